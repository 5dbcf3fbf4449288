import { type ClientPorts, pause } from "./ports.ts";
import { InfobipRpcError, type RpcCode } from "./rpc-error.ts";

/** First and longest wait before a stream is opened again, in milliseconds. */
const FIRST_MS = 100;
const LONGEST_MS = 5_000;

/** Codes that pass by themselves when the service has said so. */
const PASSING: ReadonlySet<RpcCode> = new Set([
  "UNAVAILABLE",
  "RESOURCE_EXHAUSTED",
  "ABORTED",
  "DEADLINE_EXCEEDED",
]);
/** What a connection that breaks is taken for, without a word of the service. */
const BROKEN: ReadonlySet<RpcCode> = new Set([...PASSING, "CANCELLED", "INTERNAL", "UNKNOWN"]);
/** Reasons that stay, whatever their code. */
const LASTING: ReadonlySet<string> = new Set(["SUBSCRIPTION_CHANGED", "CLIENT_CLOSED", "REQUEST_TOO_LARGE"]);

/** Whether a stream that ended with the error is worth opening again. */
export function isPassing(error: unknown): error is InfobipRpcError {
  if (!(error instanceof InfobipRpcError) || LASTING.has(error.reason)) return false;
  return (error.domain === undefined ? BROKEN : PASSING).has(error.code);
}

/** Growing waits with jitter. */
export class Backoff {
  readonly #ports: ClientPorts;
  #nextMs = FIRST_MS;

  constructor(ports: ClientPorts) {
    this.#ports = ports;
  }

  /** The stream did its work, so the next failure is a first one. */
  reset(): void {
    this.#nextMs = FIRST_MS;
  }

  /** The next wait in milliseconds: half to all of the present one, and no less than the service asked for. */
  next(leastMs = 0): number {
    const delayMs = Math.round(this.#nextMs * (0.5 + this.#ports.random() / 2));
    this.#nextMs = Math.min(LONGEST_MS, this.#nextMs * 2);
    return Math.max(delayMs, leastMs);
  }

  /** Waits; ends at once when the signal aborts. */
  wait(delayMs: number, signal: AbortSignal): Promise<void> {
    return pause(this.#ports, delayMs, signal);
  }
}
