import type {
  SendMessagesRequest,
  SendMessagesResponse,
} from "../../gen/infobip/messages/v1/send_messages_pb.js";
import type { TraceContext } from "../rpc/trace-context.ts";

/** Where messages come from, for logs and traces. */
export interface SendOrigin {
  /** Name of the caller; not set where everyone may call, and for submissions. */
  readonly caller?: string | undefined;
  /** Where the call stands in a trace. */
  readonly trace?: TraceContext | undefined;
}

/** Bounds of one call. */
export interface SendCallOptions extends SendOrigin {
  /** Ends the wait for the call. */
  readonly signal: AbortSignal;
  /** Milliseconds until the deadline, where there is one. */
  readonly timeoutMs: number | undefined;
  /** Whose call it is: flows take turns in the queue. */
  readonly flow: string;
}

/**
 * One SendMessages call, whichever RPC it came by. Expects a request that
 * follows the rules of its proto file, and changes it. Rejects with
 * ServiceError whose metadata `outcome` is NOT_SENT or UNKNOWN.
 */
export type SendCall = (
  request: SendMessagesRequest,
  options: SendCallOptions,
) => Promise<SendMessagesResponse>;
