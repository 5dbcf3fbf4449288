import { create } from "@bufbuild/protobuf";
import {
  type SendMessagesRequest,
  SendMessagesRequestSchema,
  type SendMessagesResponse,
  SendMessagesResponseSchema,
  SendOutcome,
} from "../../gen/infobip/messages/v1/send_messages_pb.js";
import { ServiceError } from "../errors.ts";
import { toFieldPath } from "../infobip/codec/paths.ts";
import type { SendAnswer, SendJob, SendQueue } from "../infobip/sending/send-queue.ts";
import type { TraceContext } from "../rpc/trace-context.ts";
import { matchResults } from "./match-results.ts";
import type { PreparedRequest } from "./prepare-request.ts";
import type { SendOrigin } from "./send-call.ts";
import type { SentCall } from "./send-result-event.ts";
import type { SendResultRecorder } from "./send-result-recorder.ts";

/** Bounds of one send. */
export interface MessageSendOptions extends SendOrigin {
  /** Ends the wait. Of a request that has left by then the answer goes to `onLate`. */
  readonly signal: AbortSignal;
  /** Milliseconds until the deadline, where there is one. */
  readonly timeoutMs: number | undefined;
  /** Whose send it is: flows take turns in the queue. */
  readonly flow: string;
  /** Whether it may share a request to Infobip with others. One with options never does. */
  readonly coalesce: boolean;
  /** Awaited right before each request with these messages; when it rejects, the send ends with that error and nothing has left. */
  readonly beforeSend?: (() => Promise<void>) | undefined;
  /** Told at most once what became of it after the signal had ended the wait. Must not throw. */
  readonly onLate?: ((outcome: SendMessagesResponse | ServiceError) => void) | undefined;
}

/** Sends prepared requests through the queue and records their results. */
export interface MessageSender {
  /**
   * Resolves with one result for each destination, in the order of the
   * request, once they are recorded. Rejects with ServiceError whose metadata
   * `outcome` is NOT_SENT or UNKNOWN; an unknown outcome is recorded too.
   */
  send(prepared: PreparedRequest, options: MessageSendOptions): Promise<SendMessagesResponse>;
}

/** What {@link createMessageSender} works with. */
export interface MessageSenderOptions {
  readonly queue: Pick<SendQueue, "send">;
  /** Owns what is being recorded, of late answers too: dispose of it after the queue. */
  readonly recorder: SendResultRecorder;
  /** Told of each send before it goes to the queue: its message ids and the trace of its call. Must not throw. */
  readonly onBegin?: (messageIds: readonly string[], trace: TraceContext | undefined) => void;
  /** Told of each send when it is known what became of it; of one whose wait was ended also when the answer comes after all. Must not throw. */
  readonly onEnd?: (call: SentCall, origin: SendOrigin) => void;
}

/** For a record that nobody waits for. */
const NOBODY_WAITS = AbortSignal.abort();

/** Makes the way of all messages to Infobip. It holds nothing of its own. */
export function createMessageSender(parts: MessageSenderOptions): MessageSender {
  const { queue, recorder, onBegin, onEnd } = parts;
  return {
    async send(prepared, options) {
      const { trace } = options;
      const job = jobOf(prepared, options, (outcome) => {
        if (outcome instanceof ServiceError) return options.onLate?.(outcome);
        const response = responseOf(prepared, outcome);
        const call = { request: prepared.request, trace, ...resultsOf(response) };
        onEnd?.(call, options);
        void recorder.record(call, NOBODY_WAITS);
        options.onLate?.(response);
      });
      onBegin?.(prepared.messageIds, trace);
      try {
        const response = responseOf(prepared, await queue.send(job));
        const call = { request: prepared.request, trace, ...resultsOf(response) };
        onEnd?.(call, options);
        await recorder.record(call, options.signal);
        return response;
      } catch (error) {
        if (error instanceof ServiceError) {
          const isUnknown = error.metadata.outcome === "UNKNOWN";
          const call = unansweredCall(
            prepared,
            error,
            isUnknown ? SendOutcome.UNKNOWN : SendOutcome.NOT_SENT,
            trace,
          );
          onEnd?.(call, options);
          if (isUnknown) await recorder.record(call, options.signal);
        }
        throw error;
      }
    },
  };
}

function jobOf(
  prepared: PreparedRequest,
  options: MessageSendOptions,
  onLate: NonNullable<SendJob["onLate"]>,
): SendJob {
  const { request, messagesJson, optionsJson, messageIds, channels } = prepared;
  return {
    body: { endpoint: "messages", messages: messagesJson, options: optionsJson },
    messageIds,
    channels,
    flow: options.flow,
    coalesce: options.coalesce && optionsJson === undefined,
    signal: options.signal,
    timeoutMs: options.timeoutMs,
    // Whoever has something to do before its request leaves has answered its caller long ago.
    trace: options.trace && { context: options.trace, isAwaited: options.beforeSend === undefined },
    fieldPath: (property) => toFieldPath(SendMessagesRequestSchema, request, property),
    beforeSend: options.beforeSend,
    onLate,
  };
}

function responseOf({ slots }: PreparedRequest, { bulkId, answers }: SendAnswer): SendMessagesResponse {
  const response = create(SendMessagesResponseSchema);
  if (bulkId !== undefined) response.bulkId = bulkId;
  response.results = matchResults(slots, answers);
  return response;
}

function resultsOf({ bulkId, results }: SendMessagesResponse) {
  return { bulkId, results };
}

/** What is known of a request that got no answer. */
function unansweredCall(
  { request, slots }: PreparedRequest,
  error: ServiceError,
  outcome: SendOutcome,
  trace: TraceContext | undefined,
): SentCall {
  const results = matchResults(slots, []);
  for (const result of results) result.outcome = outcome;
  return { request, bulkId: bulkIdOf(request), results, errorReason: error.reason, trace };
}

function bulkIdOf(request: SendMessagesRequest): string | undefined {
  return request.options?.schedule?.bulkId;
}
