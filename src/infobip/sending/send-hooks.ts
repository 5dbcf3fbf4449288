import type { Reason } from "../../errors.ts";
import type { Outcome } from "../error-context.ts";
import type { SendQueueState } from "./send-queue.ts";

/** One request that has ended, as metrics want it. */
export interface RequestReport {
  readonly endpoint: "messages" | "events";
  /** Jobs that shared it. */
  readonly jobs: number;
  /** Messages, or requests for events. */
  readonly messages: number;
  readonly destinations: number;
  /** From when it left the queue until its end. */
  readonly durationMs: number;
  /** SENT: Infobip took the request, whatever it said of single messages. */
  readonly outcome: Outcome;
  /** Undefined when Infobip took it. */
  readonly reason: Reason | undefined;
}

/** Jobs that are about to be sent again. */
export interface RetryReport {
  readonly jobs: number;
  /** Attempts made so far. */
  readonly attempts: number;
  readonly delayMs: number;
  readonly reason: Reason;
}

/** Told of what goes on. None may throw. */
export interface SendHooks {
  readonly onRequest: (report: RequestReport) => void;
  readonly onRetry: (report: RetryReport) => void;
  /** Infobip answered 429: nothing goes out for so long. */
  readonly onPaused: (pausedMs: number) => void;
  /** Called with each change. */
  readonly onCircuit: (state: SendQueueState["circuit"]) => void;
}
