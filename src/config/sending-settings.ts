import { SENDER_CHANNELS, type SenderChannel } from "./sender-channels.ts";
import { type SettingSpec, setting } from "./setting.ts";
import * as types from "./value-types.ts";

const HOUR = 60 * 60_000;
const DAY = 24 * HOUR;
const MIB = 1024 ** 2;
const GIB = 1024 ** 3;
/** Largest rate limit, in destinations a second. */
const MAX_RATE = 1_000_000;

function channelRates(): Record<`sending.rate_limit.${SenderChannel}`, SettingSpec<number>> {
  const entries = SENDER_CHANNELS.map((channel) => [
    `sending.rate_limit.${channel}`,
    setting(types.integer(0, MAX_RATE), {
      default: "0",
      unit: "count",
      description: `Most destinations a second on ${channel.toUpperCase()}. 0: no limit of its own.`,
    }),
  ]);
  return Object.fromEntries(entries);
}

/** How messages go to Infobip. */
export const SENDING_SETTINGS = {
  "sending.max_batch": setting(types.integer(1, 1_000), {
    default: "100",
    unit: "count",
    description:
      "Most messages in one request to Infobip that several calls share when connections are busy. 1: each call has its own request.",
  }),
  "sending.max_queued_bytes": setting(types.byteSize(MIB, 16 * GIB), {
    default: "64MiB",
    unit: "bytes",
    description: "Most bytes of calls that wait to be sent; further ones fail with OVERLOADED.",
  }),
  "sending.max_attempts": setting(types.integer(1, 20), {
    default: "4",
    unit: "count",
    description:
      "How often a request is tried at most within its deadline, the first time included, when it was certainly not sent. A 429 does not count where there is a deadline. 1: nothing is repeated.",
  }),
  "sending.rate_limit.total": setting(types.integer(0, MAX_RATE), {
    default: "0",
    unit: "count",
    description: "Most destinations a second on all channels together. 0: no limit.",
  }),
  ...channelRates(),
  "sending.circuit_failures": setting(types.integer(0, 1_000), {
    default: "5",
    unit: "count",
    description:
      "Failed requests in a row (no connection, no answer, 5xx) after which sending pauses for 1 to 30 s and calls fail at once. 0: never.",
  }),
  "sending.request_id_window": setting(types.duration(HOUR, 31 * DAY), {
    default: "24h",
    unit: "duration",
    description: "How long the answer to a call with a `request_id` is kept for repeats.",
  }),
  "sending.request_id_bytes": setting(types.byteSize(MIB, 1024 * GIB), {
    default: "2GiB",
    unit: "bytes",
    description:
      "Storage for those answers. When it is full, calls with a `request_id` fail with REQUEST_IDS_FULL; none is forgotten early.",
  }),
} as const;

/** The durable outbox. */
export const SUBMISSION_SETTINGS = {
  "submissions.max_waiting": setting(types.integer(1, 100_000_000), {
    default: "1000000",
    unit: "count",
    description: "Most submissions that may wait to be sent; further ones fail with OUTBOX_FULL.",
  }),
  "submissions.max_bytes": setting(types.byteSize(MIB, 1024 * GIB), {
    default: "1GiB",
    unit: "bytes",
    description: "Storage for submissions, with those that are done; further ones fail with OUTBOX_FULL.",
  }),
  "submissions.max_age": setting(types.duration(60_000, 180 * DAY), {
    default: "3d",
    unit: "duration",
    description:
      "How long a submission that names no `expire_after` is tried, from the time when it could be sent first.",
  }),
  "submissions.retention": setting(types.duration(DAY, 366 * DAY), {
    default: "7d",
    unit: "duration",
    description: "How long a submission that is done is kept. Repeats of it are recognised for as long.",
  }),
} as const;
