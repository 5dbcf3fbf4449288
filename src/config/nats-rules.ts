import type { ReadableValues, Report } from "./rules.ts";
import type { SettingPath } from "./settings.ts";
import { formatDuration } from "./value-types.ts";

/** The setting that stands for each way to sign in to NATS. */
const CREDENTIALS = ["nats.password", "nats.token", "nats.nkey_seed", "nats.credentials"] as const;

/** All rules about the connection to NATS and its streams. */
export function checkNats(values: ReadableValues, report: Report): void {
  checkCredentials(values, report);
  needsBoth("nats.tls_cert", "nats.tls_key", values, report);
  checkDedupeWindow(values, report);
}

/** One way to sign in at most, and that one whole. */
function checkCredentials(values: ReadableValues, report: Report): void {
  needsBoth("nats.user", "nats.password", values, report);
  const given = CREDENTIALS.filter((path) => values[path] !== undefined);
  const [first, ...others] = given;
  for (const path of others)
    report(path, `is set and so is ${first}; they are two ways to sign in: keep one of them`);
}

function needsBoth(one: SettingPath, other: SettingPath, values: ReadableValues, report: Report): void {
  const isMissing = (path: SettingPath): boolean => path in values && values[path] === undefined;
  if (values[one] !== undefined && isMissing(other)) report(other, `is required with ${one}`);
  if (values[other] !== undefined && isMissing(one)) report(one, `is required with ${other}`);
}

/** The servers refuse a stream that remembers its messages for longer than it keeps them. */
function checkDedupeWindow(values: ReadableValues, report: Report): void {
  const windowMs = values["nats.dedupe_window"];
  const ageMs = values["eventlog.retention_age"];
  if (!values["eventlog.url"]?.length || windowMs === undefined || ageMs === undefined) return;
  if (windowMs <= ageMs) return;
  report("nats.dedupe_window", `must not be longer than eventlog.retention_age, ${formatDuration(ageMs)}`);
}
