import type { AcceptedMessage, Attempt } from "./accepted-message.ts";
import type { ErrorStyle } from "./api-errors.ts";
import type { Behaviour, BehaviourName } from "./behaviours.ts";
import { type SimulatorClock, systemClock } from "./clock.ts";
import { type Credential, DEFAULT_CREDENTIALS } from "./credentials.ts";
import { DEFAULT_MAX_BODY_BYTES } from "./limits.ts";
import type { WebhookHeaders } from "./webhook-sender.ts";

/**
 * Chooses what becomes of a message on one of its channels: a behaviour by
 * name, one of your own, or undefined to go by the address.
 */
export type BehaviourChooser = (attempt: Attempt) => Behaviour | BehaviourName | undefined;

/** Settings of a simulator. Every one has a default. */
export interface SimulatorOptions {
  /** Address to listen on. Default 127.0.0.1; the control endpoints ask for no credentials. */
  readonly host?: string;
  /** Port to listen on. Default 0: any free one. */
  readonly port?: number;
  /** Credentials accepted. Default: one of each scheme, all spelt `simulator`. */
  readonly credentials?: readonly Credential[];
  /** Lifetime of Bearer tokens in seconds. Default 3600. */
  readonly tokenLifetimeSeconds?: number;
  /** Style of error bodies. Default `api-error`. */
  readonly errorStyle?: ErrorStyle;
  /** Largest request body in bytes. Default 10 MiB. */
  readonly maxBodyBytes?: number;
  /** Requests a second to the validate endpoint before it answers 429. Default: no limit. Infobip publishes 10. */
  readonly validateRequestsPerSecond?: number;
  /** Whether a message id seen before is refused (5/23). Default true. */
  readonly refuseDuplicates?: boolean;
  /** Sender of messages without one. Default `ServiceSMS`. */
  readonly defaultSender?: string;
  /** Webhook of delivery reports for messages that name none. Default: kept for GET /reports. */
  readonly deliveryUrl?: string;
  /** Webhook of seen reports for messages that name none. Default: dropped. */
  readonly seenUrl?: string;
  /** Webhook of click reports for requests that name none. Default: dropped. */
  readonly clickUrl?: string;
  /** Webhook of inbound messages and typing. Default: messages are kept for GET /inbound, typing is dropped. */
  readonly inboundUrl?: string;
  /** Added to every webhook request, such as Basic credentials or a signature. */
  readonly webhookHeaders?: WebhookHeaders;
  /** Whether webhooks on other machines are called. Default false: only loopback URLs are. */
  readonly allowRemoteWebhooks?: boolean;
  /** Milliseconds until a webhook that does not answer counts as failed. Default 10000. */
  readonly webhookTimeoutMs?: number;
  /** Milliseconds for which items are collected into one webhook request. Default 5. */
  readonly batchWindowMs?: number;
  /** Factor on the retry ladder and on the wait for `sendAt`. Default 1: retries after 1, 2, 5, 10 ... minutes. */
  readonly timeScale?: number;
  /** Milliseconds from sending to the first final report. Default 50. */
  readonly reportDelayMs?: number;
  /** Milliseconds from one step of a behaviour to the next. Default 50. */
  readonly stepDelayMs?: number;
  /** Milliseconds from sending to the report of a late message. Default 5000. */
  readonly lateDelayMs?: number;
  /** Chooses behaviours before the address does. */
  readonly behaviours?: BehaviourChooser;
  /** Called once for every message accepted. */
  readonly onAccepted?: (message: AcceptedMessage) => void;
  /** Seed of the faults that strike by chance. Default 1. */
  readonly seed?: number;
  /** Clock and timers. Default: the machine's. */
  readonly clock?: SimulatorClock;
}

/** Options that stay undefined when they are not given. */
type WithoutDefault = "deliveryUrl" | "seenUrl" | "clickUrl" | "inboundUrl" | "behaviours" | "onAccepted";

/** {@link SimulatorOptions} with the defaults filled in. */
export type ResolvedOptions = Required<Omit<SimulatorOptions, WithoutDefault>> &
  Pick<SimulatorOptions, WithoutDefault>;

const DEFAULTS: ResolvedOptions = {
  host: "127.0.0.1",
  port: 0,
  credentials: DEFAULT_CREDENTIALS,
  tokenLifetimeSeconds: 3_600,
  errorStyle: "api-error",
  maxBodyBytes: DEFAULT_MAX_BODY_BYTES,
  validateRequestsPerSecond: Number.POSITIVE_INFINITY,
  refuseDuplicates: true,
  defaultSender: "ServiceSMS",
  webhookHeaders: {},
  allowRemoteWebhooks: false,
  webhookTimeoutMs: 10_000,
  batchWindowMs: 5,
  timeScale: 1,
  reportDelayMs: 50,
  stepDelayMs: 50,
  lateDelayMs: 5_000,
  seed: 1,
  clock: systemClock,
};

/** Fills in the defaults; an option that is undefined counts as not given. */
export function resolveOptions(options: SimulatorOptions): ResolvedOptions {
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  return { ...DEFAULTS, ...Object.fromEntries(given) };
}
