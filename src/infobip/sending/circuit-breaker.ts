/** Where a circuit stands. */
export type CircuitState = "closed" | "open" | "half-open";

/** How long a probe may take before it counts as failed, in milliseconds. What it brings later still counts. */
export const PROBE_WAIT_MS = 5_000;

/** Settings of a {@link CircuitBreaker}. */
export interface CircuitBreakerOptions {
  /** Failures in a row that open it; 0: it never opens. */
  readonly failures: number;
  /** Longest time that it is open at first, in milliseconds. Doubles each time that a probe fails. */
  readonly openMs: number;
  /** Longest time that it is ever open without a probe, in milliseconds. */
  readonly maxOpenMs: number;
  /** Milliseconds on a clock that only goes forward. */
  readonly now: () => number;
  /** From 0 up to 1. */
  readonly random: () => number;
}

/**
 * Keeps requests from a server that fails. Opens after some failures in a row
 * for a random time between half the longest and the longest; then one request,
 * the probe, decides. Any success closes it: the server has answered. A probe
 * that takes too long has failed, so that a server that hangs does not keep
 * everybody waiting.
 */
export class CircuitBreaker {
  readonly #options: CircuitBreakerOptions;
  #state: CircuitState = "closed";
  #failuresInRow = 0;
  /** How often it has opened since it was closed. */
  #openings = 0;
  #openUntilMs = 0;
  #isProbing = false;
  #probe = 0;
  #probeUntilMs = 0;

  constructor(options: CircuitBreakerOptions) {
    this.#options = options;
  }

  /** It stays open after its time is over, until a request is admitted as the probe. */
  get state(): CircuitState {
    return this.#state;
  }

  /** Tells the probe of a half-open circuit from requests that left before it; 0 in any other state. */
  get probe(): number {
    return this.#state === "half-open" ? this.#probe : 0;
  }

  /** Milliseconds until a request may go, at most; 0: one may go. Whoever sends one calls {@link admit}. */
  waitMs(): number {
    if (this.#state === "closed") return 0;
    const nowMs = this.#options.now();
    if (this.#isProbing && nowMs >= this.#probeUntilMs) this.#open();
    if (this.#state === "open") return Math.max(0, this.#openUntilMs - nowMs);
    return this.#isProbing ? this.#probeUntilMs - nowMs : 0;
  }

  /** As {@link waitMs}; with 0 the request must go. Unless the circuit is closed it is the probe, and must end in one of the calls below. */
  admit(): number {
    const waitMs = this.waitMs();
    if (waitMs === 0 && this.#state !== "closed") {
      this.#state = "half-open";
      this.#isProbing = true;
      this.#probe++;
      this.#probeUntilMs = this.#options.now() + PROBE_WAIT_MS;
    }
    return waitMs;
  }

  /** A request brought a sign of life, if only a refusal. */
  succeeded(): void {
    this.#state = "closed";
    this.#failuresInRow = 0;
    this.#openings = 0;
    this.#isProbing = false;
  }

  /** A request failed: no connection, no answer, or the server's own failure. `probe` is what {@link probe} said when it was admitted. */
  failed(probe: number): void {
    // What had left before it opened tells nothing that is not known.
    if (probe !== this.probe || this.#state === "open" || this.#options.failures === 0) return;
    this.#failuresInRow++;
    if (this.#state === "half-open" || this.#failuresInRow >= this.#options.failures) this.#open();
  }

  /** A request ended without telling anything; if it was the probe, the next one is. */
  abandoned(probe: number): void {
    if (probe === this.probe) this.#isProbing = false;
  }

  #open(): void {
    const { openMs, maxOpenMs, now, random } = this.#options;
    const longestMs = Math.min(maxOpenMs, openMs * 2 ** this.#openings);
    this.#openings++;
    this.#state = "open";
    this.#isProbing = false;
    this.#openUntilMs = now() + longestMs * (0.5 + random() / 2);
  }
}
