import type { ServiceError } from "../../errors.ts";
import type { Flow } from "./flow.ts";
import type { Repeat } from "./repeats.ts";
import type { SendAnswer, SendJob } from "./send-queue.ts";
import type { SendRequest } from "./send-request.ts";

/** What a {@link QueuedJob} tells its queue and its caller. */
export interface JobEvents {
  /** The job's signal has aborted. */
  readonly aborted: (job: QueuedJob) => void;
  readonly resolve: (answer: SendAnswer) => void;
  readonly reject: (error: ServiceError) => void;
}

/** A job on its way, from send() until its caller has an answer, or has gone and the rest is late. */
export class QueuedJob {
  readonly job: SendJob;
  /** Entries of the request's list that it takes up. */
  readonly messages: number;
  /** Of its part of the body, in UTF-8. */
  readonly bytes: number;
  /** What its turn costs: destinations, at least 1. */
  readonly cost: number;
  /** Whether it shares a request with nobody. */
  readonly isAlone: boolean;
  /** When it came, on the queue's clock. */
  readonly since: number;
  /** When the caller's deadline is, on the queue's clock. */
  readonly deadline: number;
  /** Requests that failed and could have been repeated. */
  attempts = 0;
  /** Those of them that count towards the most attempts. */
  failures = 0;
  /** Whether the caller has its answer or error. */
  hasEnded = false;
  /** Where it waits, if it does: in a flow, with its neighbours there, or among the repeats. */
  flow: Flow | undefined;
  next: QueuedJob | undefined;
  previous: QueuedJob | undefined;
  repeat: Repeat | undefined;
  /** The request that it is part of. */
  request: SendRequest | undefined;
  readonly #events: JobEvents;

  constructor(job: SendJob, bytes: number, now: number, events: JobEvents) {
    const { body } = job;
    this.job = job;
    this.bytes = bytes;
    this.since = now;
    this.cost = costOf(job);
    this.messages = body.endpoint === "messages" ? body.messages.length : 1;
    this.isAlone = standsAlone(job);
    this.deadline = job.timeoutMs === undefined ? Number.POSITIVE_INFINITY : now + job.timeoutMs;
    this.#events = events;
    job.signal.addEventListener("abort", this);
  }

  /** Of the abort event. The job is its own listener, which costs less than a function for each. */
  handleEvent(): void {
    if (!this.hasEnded) this.#events.aborted(this);
  }

  /** Gives the caller Infobip's answer, or tells of it late. */
  answer(answer: SendAnswer): void {
    if (this.hasEnded) this.job.onLate?.(answer);
    else {
      this.#end();
      this.#events.resolve(answer);
    }
  }

  /** Gives the caller an error, or tells of it late. */
  fail(error: ServiceError): void {
    if (this.hasEnded) this.job.onLate?.(error);
    else {
      this.#end();
      this.#events.reject(error);
    }
  }

  #end(): void {
    this.hasEnded = true;
    this.job.signal.removeEventListener("abort", this);
  }
}

/** Whether a job shares a request with nobody, by what it is. */
export function standsAlone({ body, coalesce }: SendJob): boolean {
  return !coalesce || body.endpoint === "events" || body.options !== undefined;
}

/** Bytes of a job's part of the body, in UTF-8. */
export function bytesOf({ body }: SendJob): number {
  if (body.endpoint === "events") return Buffer.byteLength(body.body);
  let bytes = body.options === undefined ? 0 : Buffer.byteLength(body.options);
  for (const message of body.messages) bytes += Buffer.byteLength(message) + 1;
  return bytes;
}

/** What a job's turn costs: destinations, at least 1. */
export function costOf({ channels, messageIds }: SendJob): number {
  let cost = 0;
  for (const { destinations } of channels) cost += destinations;
  return cost || messageIds.length || 1;
}
