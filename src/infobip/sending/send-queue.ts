import type { Channel } from "../../../gen/infobip/messages/v1/channel_pb.js";
import type { MessageResponseDetails } from "../../../gen/infobip/messages/v1/response_pb.js";
import type { ServiceError } from "../../errors.ts";
import type { RequestTrace } from "../request-trace.ts";

/** Destinations on one channel. With failover a destination counts on the message's own channel. */
export interface ChannelCount {
  readonly channel: Channel;
  readonly destinations: number;
}

/** What goes to Infobip. */
export type SendBody =
  /** POST /messages-api/1/messages: Infobip's JSON of each message, and of the request's options where it has some. */
  | {
      readonly endpoint: "messages";
      readonly messages: readonly string[];
      readonly options: string | undefined;
    }
  /** POST /messages-api/1/events: the whole body. */
  | { readonly endpoint: "events"; readonly body: string };

/** One call's messages, on their way to Infobip. */
export interface SendJob {
  readonly body: SendBody;
  /** Id of each destination, in the order of the request. Unique within the job; empty for a destination without one. */
  readonly messageIds: readonly string[];
  /** For the rate limits; one entry a channel. */
  readonly channels: readonly ChannelCount[];
  /** Whose job it is: flows take turns, jobs of one flow on one channel leave in order. */
  readonly flow: string;
  /** Whether it may share a request with jobs of other callers. A job with options, and one for events, never does. */
  readonly coalesce: boolean;
  /** Ends the wait. A job that is queued is taken out; of one that has left the answer goes to `onLate`. */
  readonly signal: AbortSignal;
  /** Milliseconds until the caller's deadline, where it has one. For early refusal and retries: only the signal ends the job. */
  readonly timeoutMs?: number | undefined;
  /** Where its call stands in a trace. */
  readonly trace?: RequestTrace | undefined;
  /** Turns a property path of a body with this job's messages alone into the path of the protobuf field; empty when there is none. */
  readonly fieldPath: (property: string) => string;
  /**
   * Awaited right before each request with this job, after which the request
   * leaves without further delay. When it rejects the job ends with that error
   * and has not left. Jobs with this hook share requests only with each other,
   * and are not tried again: whoever notes each attempt decides on the next.
   */
  readonly beforeSend?: (() => Promise<void>) | undefined;
  /** Called at most once, when the job has ended by its signal after it had left and what became of it is known after all. Must not throw. */
  readonly onLate?: ((outcome: SendAnswer | ServiceError) => void) | undefined;
}

/** What Infobip answered for one job. */
export interface SendAnswer {
  readonly bulkId: string | undefined;
  /** One entry for each of the job's message ids, at its place; undefined where Infobip's answer says nothing of it. */
  readonly answers: readonly (MessageResponseDetails | undefined)[];
}

/** For metrics and probes. */
export interface SendQueueState {
  /** Jobs that wait, with those between two attempts. */
  readonly queuedJobs: number;
  readonly queuedBytes: number;
  /** Requests under way. */
  readonly requests: number;
  readonly circuit: "closed" | "open" | "half-open";
  /** Milliseconds for which a 429 still holds everything back; 0 when none does. */
  readonly pausedMs: number;
  /** For how long the job that came first has waited, in milliseconds; 0 when none waits. Costs a step for each flow. */
  readonly oldestMs: number;
  /** Milliseconds for which the rate limits, or a pause, still hold back the flow that they hold back longest; 0: none. */
  readonly rateLimitMs: number;
}

/**
 * The way of all sends to Infobip: bounded, fair between flows, within the rate
 * limits, several jobs in one request when connections are busy, and repeated
 * only what is proved unsent.
 */
export interface SendQueue extends AsyncDisposable {
  /**
   * Resolves with Infobip's answer. Rejects with ServiceError only, whose
   * metadata `outcome` is NOT_SENT or UNKNOWN, by the table in docs/errors.md.
   */
  send(job: SendJob): Promise<SendAnswer>;
  state(): SendQueueState;
}
