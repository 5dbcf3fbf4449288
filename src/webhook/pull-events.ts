import type { ServiceError } from "../errors.ts";
import type { InboundPullChannel } from "../infobip/report-source.ts";
import type { Receipt } from "./receiver.ts";

/** One thing that is fetched. */
export interface PullSource {
  /** The webhook whose bodies look the same. */
  readonly route: "delivery" | "inbound";
  /** Of inbound messages only. */
  readonly channel?: InboundPullChannel;
}

/** One function for each thing that happens to a poller and is worth telling. They must not throw. */
export interface PullEvents {
  /** A page is in the log. `storeAttempts` is 1 when the log took it at once. */
  readonly stored: (source: PullSource, page: StoredPage) => void;
  /** Infobip gave no page. */
  readonly fetchFailed: (source: PullSource, failure: FetchFailure) => void;
  /** The log did not take a page; it is kept in memory and tried again. */
  readonly held: (source: PullSource, held: HeldPage) => void;
  /** A page, or what may have been one, is lost. */
  readonly lost: (source: PullSource, loss: LostPage) => void;
}

/** See {@link PullEvents.stored}. */
export interface StoredPage {
  readonly receipt: Receipt;
  readonly storeAttempts: number;
}

/** See {@link PullEvents.fetchFailed}. */
export interface FetchFailure {
  readonly error: ServiceError;
  /** Failures in a row, this one included. */
  readonly failures: number;
  /** Wait before the next try, in milliseconds. */
  readonly delayMs: number;
}

/** See {@link PullEvents.held}. */
export interface HeldPage {
  readonly bytes: number;
  /** Tries so far. */
  readonly storeAttempts: number;
  /** Wait before the next try, in milliseconds. */
  readonly delayMs: number;
  readonly error: unknown;
}

/** See {@link PullEvents.lost}. */
export interface LostPage {
  /**
   * UNREADABLE: Infobip's answer is no report body. STOPPED_STORING: the time
   * to stop was up before the log had taken the page. STOPPED_FETCHING: it was
   * up before Infobip's answer had come whole.
   */
  readonly reason: "UNREADABLE" | "STOPPED_STORING" | "STOPPED_FETCHING";
  /** Size of the page; 0 when it is not known. */
  readonly bytes: number;
  readonly error: unknown;
}
