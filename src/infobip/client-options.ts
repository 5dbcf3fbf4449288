import type { Secret } from "../secret.ts";
import type { Credentials } from "./credentials.ts";
import type { RequestObserver } from "./request-report.ts";
import type { ExchangeObserver } from "./request-trace.ts";

/** Most connections to Infobip at one time; each carries one request at a time. */
export const DEFAULT_CONNECTIONS = 32;
/** Most calls that may wait beyond those that hold a connection. */
export const DEFAULT_MAX_QUEUED = 1024;
/** Longest wait for TCP and TLS together, in milliseconds. */
export const DEFAULT_CONNECT_TIMEOUT_MS = 3_000;
/** Longest wait from the request's last byte to the answer's headers, in milliseconds. */
export const DEFAULT_HEADERS_TIMEOUT_MS = 30_000;
/** Longest silence within an answer, in milliseconds. */
export const DEFAULT_BODY_TIMEOUT_MS = 30_000;
/** Longest call as a whole, in milliseconds; binds callers without a deadline and answers that drip. */
export const DEFAULT_CALL_TIMEOUT_MS = 120_000;
/** How long an unused connection is kept when Infobip names no time, in milliseconds. */
export const DEFAULT_KEEP_ALIVE_MS = 4_000;
/** Largest body of an answer, in bytes. */
export const DEFAULT_MAX_RESPONSE_BYTES = 16 * 1024 ** 2;
/** How long closing waits for calls under way, in milliseconds. */
export const DEFAULT_CLOSE_TIMEOUT_MS = 5_000;

/** What {@link createInfobipClient} needs; what is left out has the default above. */
export interface InfobipClientOptions {
  /** Base URL as `parseBaseUrl` reads it. */
  readonly baseUrl: string;
  readonly credentials: Credentials;
  /** Texts beyond the credentials that must not come back in what Infobip says, such as the secret in webhook URLs. */
  readonly hiddenSecrets?: readonly Secret[] | undefined;
  readonly connections?: number | undefined;
  readonly maxQueued?: number | undefined;
  readonly connectTimeoutMs?: number | undefined;
  readonly headersTimeoutMs?: number | undefined;
  readonly bodyTimeoutMs?: number | undefined;
  readonly callTimeoutMs?: number | undefined;
  readonly keepAliveMs?: number | undefined;
  readonly maxResponseBytes?: number | undefined;
  readonly closeTimeoutMs?: number | undefined;
  /** PEM certificates to trust instead of the public authorities. */
  readonly ca?: string | undefined;
  /** Told of each request that is part of a trace. */
  readonly onExchange?: ExchangeObserver | undefined;
  /** Told of each request that has ended, for metrics. */
  readonly onRequestEnd?: RequestObserver | undefined;
  /** Milliseconds on a clock that never goes back. Default: performance.now. */
  readonly monotonicNow?: (() => number) | undefined;
  /** Wall clock in milliseconds since 1970. */
  readonly now?: (() => number) | undefined;
}
