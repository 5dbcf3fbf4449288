import { Code } from "@connectrpc/connect";
import type { Reason, ServiceError } from "../errors.ts";

/** Failures in a row, of those that may also be about a single submission, after which the gate closes. */
export const FAILURES_TO_CLOSE = 5;
/** Bound of the first wait, in milliseconds. */
const BASE_MS = 500;
/** Longest wait that the upstream did not ask for, in milliseconds. */
const CAP_MS = 30_000;
/** Doublings after which the cap is reached. */
const MAX_DOUBLINGS = 6;

/** Every submission would fail so. */
const CERTAIN: ReadonlySet<Reason> = new Set<Reason>([
  "UPSTREAM_RATE_LIMITED",
  "UPSTREAM_CREDENTIALS_REJECTED",
  "LOG_UNAVAILABLE",
  "DRAINING",
]);
/** Every submission would perhaps fail so. */
const LIKELY: ReadonlySet<Reason> = new Set<Reason>([
  "UPSTREAM_FORBIDDEN",
  "UPSTREAM_FAILED",
  "UPSTREAM_UNREACHABLE",
  "SEND_OUTCOME_UNKNOWN",
]);

/** Whether an error is about sending as such, and not about what was to be sent. */
export function isGeneral(error: ServiceError): boolean {
  return isCertain(error) || LIKELY.has(error.reason);
}

function isCertain(error: ServiceError): boolean {
  if (CERTAIN.has(error.reason) || error.metadata.circuit === "open") return true;
  return error.reason === "OVERLOADED" && error.code === Code.ResourceExhausted;
}

/** What {@link Gate} works with. */
export interface GateOptions {
  /** Milliseconds on a clock that only goes forward. */
  readonly now: () => number;
  readonly random: () => number;
  readonly onClosed: (error: ServiceError, holdMs: number) => void;
  readonly onOpened: () => void;
}

/**
 * Holds sending back as a whole while everything fails: closes on errors that
 * are not about a submission, lets a single one through after a while, and
 * opens when that one gets an answer.
 */
export class Gate {
  readonly #options: GateOptions;
  #state: "open" | "closed" | "probing" = "open";
  #failuresInRow = 0;
  #closings = 0;
  #reopensAt = 0;

  constructor(options: GateOptions) {
    this.#options = options;
  }

  /** Milliseconds until one may go through; 0 when one may now, Infinity while the answer of one is awaited. */
  get waitMs(): number {
    if (this.#state === "open") return 0;
    if (this.#state === "probing") return Number.POSITIVE_INFINITY;
    return Math.max(0, this.#reopensAt - this.#options.now());
  }

  /** Milliseconds for which everything is still held back. */
  get heldMs(): number {
    return this.#state === "closed" ? this.waitMs : 0;
  }

  /** One goes through. True when it is the probe: its end must be told. */
  pass(): boolean {
    if (this.#state === "open") return false;
    this.#state = "probing";
    return true;
  }

  /** One got an answer, good or bad. */
  succeeded(isProbe: boolean): void {
    if (this.#state === "open") this.#failuresInRow = 0;
    if (!isProbe || this.#state !== "probing") return;
    this.#state = "open";
    this.#failuresInRow = 0;
    this.#closings = 0;
    this.#options.onOpened();
  }

  /** One failed by an error that is not about itself. */
  failed(error: ServiceError, isProbe: boolean): void {
    if (this.#state === "open") {
      this.#failuresInRow++;
      if (isCertain(error) || this.#failuresInRow >= FAILURES_TO_CLOSE) this.#close(error);
    } else if (isProbe) {
      this.#close(error);
    } else if (this.#state === "closed" && error.retryDelayMs !== undefined) {
      this.#reopensAt = Math.max(this.#reopensAt, this.#options.now() + error.retryDelayMs);
    }
  }

  /** The probe ended without telling anything. */
  abandoned(isProbe: boolean): void {
    if (!isProbe || this.#state !== "probing") return;
    this.#state = "closed";
    this.#reopensAt = this.#options.now();
  }

  #close(error: ServiceError): void {
    const bound = Math.min(CAP_MS, BASE_MS * 2 ** Math.min(this.#closings, MAX_DOUBLINGS));
    const holdMs = Math.ceil((error.retryDelayMs ?? 0) + (bound / 2) * (1 + this.#options.random()));
    this.#closings++;
    this.#failuresInRow = 0;
    this.#state = "closed";
    this.#reopensAt = this.#options.now() + holdMs;
    this.#options.onClosed(error, holdMs);
  }
}
