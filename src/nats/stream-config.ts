import type { StreamLayout } from "./stream-layout.ts";

const NANOSECONDS = 1_000_000;

/** A stream's configuration, as far as this service asks for it or looks at it; names and units are JetStream's. */
export interface StreamConfig {
  readonly name: string;
  readonly description?: string;
  readonly subjects?: readonly string[];
  readonly storage?: string;
  readonly retention?: string;
  readonly num_replicas?: number;
  readonly max_msgs_per_subject?: number;
  /** Nanoseconds. */
  readonly max_age?: number;
  readonly max_bytes?: number;
  readonly discard?: string;
  /** Nanoseconds. */
  readonly duplicate_window?: number;
  readonly allow_direct?: boolean;
  readonly max_msgs?: number;
  readonly max_msg_size?: number;
  readonly max_consumers?: number;
}

/** A setting that a stream has otherwise than it must. */
export interface StreamDifference {
  /** JetStream's name of it, such as `max_age`. */
  readonly setting: string;
  readonly found: string;
  readonly wanted: string;
}

/** The configuration with which a stream is created. */
export function streamConfig(layout: StreamLayout): StreamConfig {
  return {
    name: layout.name,
    description: layout.description,
    subjects: layout.subjects,
    storage: "file",
    retention: "limits",
    num_replicas: layout.replicas,
    max_msgs_per_subject: layout.maxMessagesPerSubject,
    max_age: layout.maxAgeMs * NANOSECONDS,
    max_bytes: layout.maxBytes,
    discard: layout.discard,
    // Left out, the server takes its default.
    duplicate_window: layout.duplicateWindowMs > 0 ? layout.duplicateWindowMs * NANOSECONDS : undefined,
    allow_direct: true,
    max_msgs: -1,
    max_msg_size: -1,
    max_consumers: -1,
  };
}

/** Settings that must be absent or false: with them a stream loses, changes or refuses messages. */
const MUST_BE_UNSET = [
  "mirror",
  "sources",
  "sealed",
  "deny_delete",
  "deny_purge",
  "no_ack",
  "discard_new_per_subject",
  "subject_transform",
  "template_owner",
] as const;

/** Settings in nanoseconds. */
const DURATIONS = ["max_age", "duplicate_window"];

/** Every setting that a stream has otherwise than its layout asks for; the description may differ. */
export function streamDifferences(layout: StreamLayout, found: StreamConfig): StreamDifference[] {
  const config = found as unknown as Readonly<Record<string, unknown>>;
  const { name: _name, description: _description, ...wanted } = streamConfig(layout);
  const differences: StreamDifference[] = [];
  for (const [setting, value] of Object.entries(wanted)) {
    const actual = config[setting];
    if (value === undefined) continue;
    const isSame = Array.isArray(value) ? sameMembers(value, actual) : value === actual;
    if (!isSame) differences.push({ setting, found: show(setting, actual), wanted: show(setting, value) });
  }
  for (const setting of MUST_BE_UNSET) {
    if (isSet(config[setting])) {
      differences.push({ setting, found: show(setting, config[setting]), wanted: "not set" });
    }
  }
  // Answers before a message is on disk.
  if (isSet(config.persist_mode) && config.persist_mode !== "default") {
    differences.push({ setting: "persist_mode", found: show("", config.persist_mode), wanted: "default" });
  }
  return differences;
}

function sameMembers(wanted: readonly unknown[], found: unknown): boolean {
  return (
    Array.isArray(found) && found.length === wanted.length && wanted.every((member) => found.includes(member))
  );
}

function isSet(value: unknown): boolean {
  return Array.isArray(value) ? value.length > 0 : Boolean(value);
}

function show(setting: string, value: unknown): string {
  if (value === undefined) return "not set";
  if (DURATIONS.includes(setting) && typeof value === "number") return `${value / NANOSECONDS / 1000}s`;
  return typeof value === "string" ? value : JSON.stringify(value);
}
