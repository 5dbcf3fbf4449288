import { Channel } from "../../gen/infobip/messages/v1/channel_pb.js";
import { SENDER_CHANNELS } from "./sender-channels.ts";
import type { SettingValues } from "./settings.ts";

/** How messages go to Infobip. */
export interface SendingConfig {
  /** Most messages in a request that several calls share; 1: none do. */
  readonly maxBatch: number;
  readonly maxQueuedBytes: number;
  /** The first attempt included. */
  readonly maxAttempts: number;
  /** In destinations a second. */
  readonly rateLimit: {
    /** 0: no limit. */
    readonly total: number;
    /** Holds the channels that have a limit of their own, which is above 0. */
    readonly channels: ReadonlyMap<Channel, number>;
  };
  /** Failures in a row that open the circuit; 0: it never opens. */
  readonly circuitFailures: number;
  readonly requestIds: {
    /** How long an answer is kept. */
    readonly windowMs: number;
    readonly maxBytes: number;
  };
}

/** The durable outbox. */
export interface SubmissionsConfig {
  /** Submissions that are not done. */
  readonly maxWaiting: number;
  readonly maxBytes: number;
  /** How long one is tried that names no expiry. */
  readonly maxAgeMs: number;
  /** How long one that is done is kept. */
  readonly retentionMs: number;
}

/** Makes the configuration of sending of checked values. */
export function sendingConfig(values: SettingValues): SendingConfig {
  return {
    maxBatch: values["sending.max_batch"],
    maxQueuedBytes: values["sending.max_queued_bytes"],
    maxAttempts: values["sending.max_attempts"],
    rateLimit: { total: values["sending.rate_limit.total"], channels: channelRates(values) },
    circuitFailures: values["sending.circuit_failures"],
    requestIds: {
      windowMs: values["sending.request_id_window"],
      maxBytes: values["sending.request_id_bytes"],
    },
  };
}

/** Makes the configuration of the outbox of checked values. */
export function submissionsConfig(values: SettingValues): SubmissionsConfig {
  return {
    maxWaiting: values["submissions.max_waiting"],
    maxBytes: values["submissions.max_bytes"],
    maxAgeMs: values["submissions.max_age"],
    retentionMs: values["submissions.retention"],
  };
}

function channelRates(values: SettingValues): Map<Channel, number> {
  const rates = new Map<Channel, number>();
  for (const name of SENDER_CHANNELS) {
    const rate = values[`sending.rate_limit.${name}`];
    if (rate > 0) rates.set(Channel[name.toUpperCase() as Uppercase<typeof name>], rate);
  }
  return rates;
}
