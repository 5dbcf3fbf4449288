import { create } from "@bufbuild/protobuf";
import {
  type SendMessagesRequest,
  SendMessagesRequestSchema,
  type SendMessagesResponse,
  SendMessagesResponseSchema,
} from "../../gen/infobip/messages/v1/send_messages_pb.js";
import { ServiceError } from "../errors.ts";
import { toFieldPath } from "../infobip/codec/paths.ts";
import type { SendAnswer, SendJob, SendQueue } from "../infobip/sending/send-queue.ts";
import { matchResults } from "./match-results.ts";
import type { PreparedRequest } from "./prepare-request.ts";
import type { SendResultRecorder } from "./send-result-recorder.ts";

/** Bounds of one send. */
export interface MessageSendOptions {
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
}

/** For a record that nobody waits for. */
const NOBODY_WAITS = AbortSignal.abort();

/** Makes the way of all messages to Infobip. It holds nothing of its own. */
export function createMessageSender({ queue, recorder }: MessageSenderOptions): MessageSender {
  return {
    async send(prepared, options) {
      const job = jobOf(prepared, options, (outcome) => {
        if (outcome instanceof ServiceError) return options.onLate?.(outcome);
        const response = responseOf(prepared, outcome);
        void recorder.record({ request: prepared.request, ...resultsOf(response) }, NOBODY_WAITS);
        options.onLate?.(response);
      });
      try {
        const response = responseOf(prepared, await queue.send(job));
        await recorder.record({ request: prepared.request, ...resultsOf(response) }, options.signal);
        return response;
      } catch (error) {
        if (isOutcomeUnknown(error)) await recorder.record(unansweredCall(prepared, error), options.signal);
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

function isOutcomeUnknown(error: unknown): error is ServiceError {
  return error instanceof ServiceError && error.metadata.outcome === "UNKNOWN";
}

/** What is known of a request that has left and got no answer. */
function unansweredCall({ request, slots }: PreparedRequest, error: ServiceError) {
  return {
    request,
    bulkId: bulkIdOf(request),
    results: matchResults(slots, []),
    errorReason: error.reason,
  };
}

function bulkIdOf(request: SendMessagesRequest): string | undefined {
  return request.options?.schedule?.bulkId;
}
