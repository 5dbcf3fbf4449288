import type { ClockTimer } from "../../timer.ts";
import type { InfobipClient } from "../infobip-client.ts";
import type { CircuitBreaker } from "./circuit-breaker.ts";
import type { RateLimiter } from "./rate-limiter.ts";
import type { RetryBudget } from "./retry-budget.ts";
import type { SendHooks } from "./send-hooks.ts";

/** Up to so many requests under way, a job waits for no company. */
export const DEFAULT_EAGER_REQUESTS = 8;
/** How long an answer is awaited that no caller waits for any more, in milliseconds. */
export const LATE_ANSWER_MS = 5_000;

/** Bounds of a send queue. */
export interface SendQueueLimits {
  /** Most requests under way. */
  readonly connections: number;
  /** Default {@link DEFAULT_EAGER_REQUESTS}. */
  readonly eagerRequests?: number;
  /** Most jobs that wait. */
  readonly maxJobs: number;
  /** Most bytes of bodies that wait. */
  readonly maxBytes: number;
  /** Most messages of several jobs in one request; 1: each job goes alone. */
  readonly maxBatch: number;
  /** Most requests made for one job, from 1. */
  readonly maxAttempts: number;
}

/** What a send queue is made of. */
export interface SendQueueOptions {
  readonly client: Pick<InfobipClient, "sendMessages" | "sendEvents">;
  readonly limits: SendQueueLimits;
  /** The policies below belong to the queue alone, and share its clock. */
  readonly limiter: RateLimiter;
  readonly breaker: CircuitBreaker;
  readonly budget: RetryBudget;
  readonly timer: ClockTimer;
  /** From 0 up to 1. */
  readonly random: () => number;
  readonly hooks?: Partial<SendHooks>;
  /** Calls back when what has come in this turn of the event loop is handled. Default: setImmediate. */
  readonly atEndOfTurn?: (callback: () => void) => void;
}
