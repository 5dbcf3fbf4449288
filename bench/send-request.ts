import { create, toBinary } from "@bufbuild/protobuf";
import { Channel } from "../gen/infobip/messages/v1/channel_pb.js";
import {
  type SendMessagesRequest,
  SendMessagesRequestSchema,
  type SendMessagesResponse,
  SendOutcome,
} from "../gen/infobip/messages/v1/send_messages_pb.js";
import { toRest } from "./peers/rest-mapping.ts";

/** Where every sample goes. */
export const DESTINATION = "385915550123";
const TEXT =
  "Your order 4711 left our warehouse this morning and will be with you tomorrow between 9 and 12.";

/** Everything of the sample message but its destination. */
export const SAMPLE_CONTENT = {
  channel: Channel.SMS,
  sender: "Shop",
  content: { body: { type: { case: "text", value: { text: TEXT } } } },
} as const;

/** The request that every caller sends: one SMS to one destination, without a message id. */
export const SAMPLE: SendMessagesRequest = create(SendMessagesRequestSchema, {
  messages: [
    {
      kind: {
        case: "message",
        value: {
          ...SAMPLE_CONTENT,
          destinations: [{ kind: { case: "toDestination", value: { to: DESTINATION } } }],
        },
      },
    },
  ],
});

/** {@link SAMPLE} as protobuf. */
export const SAMPLE_BYTES: Buffer = Buffer.from(toBinary(SendMessagesRequestSchema, SAMPLE));
/** {@link SAMPLE} as Infobip's JSON. */
export const SAMPLE_JSON: string = toRest(SAMPLE);

let ids = 0;

/** An id that no other call of this process has. */
export function newRequestId(): string {
  return `bench-${process.pid}-${ids++}`;
}

// SendMessagesRequest.request_id is field 3, length-delimited.
const REQUEST_ID_TAG = 0x1a;

/** {@link SAMPLE} as protobuf, with a request id. */
export function sampleWithRequestId(requestId: string): Buffer {
  const id = Buffer.from(requestId);
  if (id.length > 127) throw new Error("the request id is too long");
  return Buffer.concat([SAMPLE_BYTES, Uint8Array.of(REQUEST_ID_TAG, id.length), id]);
}

/** Throws when a response is not that of a sent {@link SAMPLE}. */
export function checkResponse({ results }: SendMessagesResponse): void {
  const [result] = results;
  if (results.length !== 1 || result?.outcome !== SendOutcome.SENT || result.destination !== DESTINATION) {
    throw new Error("a call was not answered as it should be");
  }
}

/** Throws when Infobip's JSON is not the answer to {@link SAMPLE_JSON}. */
export function checkJson(json: unknown): void {
  const { messages } = json as { messages: readonly { destination: string }[] };
  if (messages.length !== 1 || messages[0]?.destination !== DESTINATION) {
    throw new Error("a request was not answered as it should be");
  }
}
