import { ROLES, type Role } from "../roles.ts";
import type { Config } from "./config.ts";
import { isLocalServer } from "./nats-urls.ts";
import type { ConfigWarning } from "./warnings.ts";

/** What is missing for good when the only process that can use an embedded log lacks a role. */
const LOSS: Readonly<Record<Role, string>> = {
  send: "what is sent elsewhere is not in it",
  events: "nobody can read it",
  intake: "no report gets into it",
};

/** Share of eventlog.retention_bytes that answers and submissions may fill before it is worth a word. */
const MAX_KEPT_SHARE = 0.5;

/** What is worth a second look of where events are kept. */
export function storageWarnings(config: Config): ConfigWarning[] {
  const { nats } = config.eventlog;
  if (nats === undefined) return embeddedWarnings(config);
  const warnings: ConfigWarning[] = [];
  if (nats.replicas === 1) {
    warnings.push({
      setting: "nats.replicas",
      message:
        "is 1, so one server has everything, and it confirms what is not synced to its disk yet: a power failure can take the last events, which nobody sends again; use 3 servers and replicas, or see configuration.md",
    });
  }
  const { auth, tls, servers } = nats.options;
  const isShown = auth.kind === "password" || auth.kind === "token";
  if (isShown && tls === undefined && !servers.every(isLocalServer)) {
    warnings.push({
      setting: "eventlog.url",
      message: `names other machines over nats:// while nats.${auth.kind} is set, which may go over the network in the clear; use tls://, an nkey or a .creds file`,
    });
  }
  return warnings;
}

function embeddedWarnings({ roles, sending, submissions, eventlog, ignored }: Config): ConfigWarning[] {
  const warnings: ConfigWarning[] = [];
  const missing = ROLES.filter((role) => !roles.includes(role));
  if (missing.length > 0) {
    const losses = missing.map((role) => `without ${role}, ${LOSS[role]}`).join("; ");
    warnings.push({
      setting: "roles",
      message: `leave out ${missing.join(" and ")}, but the embedded event log is this process's alone: ${losses}; set eventlog.url to share one log, or leave roles as they are by default`,
    });
  }
  const { bytes } = eventlog.retention;
  const keptBytes = sending.requestIds.maxBytes + submissions.maxBytes;
  if (keptBytes > bytes * MAX_KEPT_SHARE) {
    warnings.push({
      setting: "eventlog.retention_bytes",
      message:
        "holds answers and submissions too, which retention does not remove: sending.request_id_bytes and submissions.max_bytes together are more than half of it, so few events may be kept; raise it or lower them",
    });
  }
  const [first, ...others] = ignored;
  if (first !== undefined) {
    const more = others.length === 0 ? "" : `, nor have ${others.join(", ")}`;
    warnings.push({
      setting: first,
      message: `has no effect while eventlog.url is empty${more}: events are kept in data_dir; set eventlog.url to use NATS`,
    });
  }
  return warnings;
}
