import { create, toJsonString } from "@bufbuild/protobuf";
import {
  type SendMessagesRequest,
  SendMessagesRequestSchema,
  type SendMessagesResponse,
  SendMessagesResponseSchema,
} from "../../gen/infobip/messages/v1/send_messages_pb.js";
import { messageTo } from "./submission-story.ts";

/** Everything that has happened to one request id of SendMessages. */
export interface CallStory {
  readonly request: SendMessagesRequest;
  readonly addresses: readonly string[];
  /** The first answer. */
  answer: SendMessagesResponse | undefined;
  /** Every attempt so far was proved unsent, as the service said. */
  isUnsent: boolean;
}

/** What an error of the service says of itself. */
export interface Refusal {
  readonly reason: string;
  /** NOT_SENT or UNKNOWN; empty where nothing is sent. */
  readonly outcome: string;
}

/** How one call has ended. */
export type CallEnd = SendMessagesResponse | Refusal;

/** Makes one call, whichever RPC it goes by; throws when the connection breaks. */
export type MakeCall = (request: SendMessagesRequest, timeoutMs: number) => Promise<CallEnd>;

export function isRefusal(end: CallEnd): end is Refusal {
  return "reason" in end;
}

export function tellCall(number: number, addresses: readonly string[]): CallStory {
  const request = create(SendMessagesRequestSchema, {
    requestId: `call-${number}`,
    messages: [messageTo(addresses, `call ${number}`)],
  });
  return { request, addresses, answer: undefined, isUnsent: true };
}

/** An answer in a form that can be compared. */
export function textOf(response: SendMessagesResponse): string {
  return toJsonString(SendMessagesResponseSchema, response);
}
