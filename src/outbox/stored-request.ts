import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { BinaryReader } from "@bufbuild/protobuf/wire";
import {
  type SendMessagesRequest,
  SendMessagesRequestSchema,
} from "../../gen/infobip/messages/v1/send_messages_pb.js";
import { varintLength, writeVarint } from "../eventlog/protobuf-wire.ts";

// What SubmissionRecord.request holds, in protobuf's wire format: the message id of each destination (1), then the
// binary SendMessagesRequest (2), which is left out once the submission is done.
const MESSAGE_ID_FIELD = 1;
const REQUEST_FIELD = 2;
const MESSAGE_ID_TAG = (MESSAGE_ID_FIELD << 3) | 2;
const REQUEST_TAG = (REQUEST_FIELD << 3) | 2;

/** Encodes what is to be sent and under which ids. */
export function encodeStoredRequest(messageIds: readonly string[], request: SendMessagesRequest): Uint8Array {
  const body = toBinary(SendMessagesRequestSchema, request);
  const head = 1 + varintLength(body.length);
  const { target, at } = writeIds(messageIds, head + body.length);
  target[at] = REQUEST_TAG;
  target.set(body, writeVarint(target, at + 1, body.length));
  return target;
}

/** The same without what is to be sent. */
export function withoutMessages(stored: Uint8Array): Uint8Array {
  return writeIds(messageIdsOf(stored), 0).target;
}

/** Message id of each destination, in the order of the request. */
export function messageIdsOf(stored: Uint8Array): string[] {
  const ids: string[] = [];
  const reader = new BinaryReader(stored);
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (field === REQUEST_FIELD) break;
    if (field === MESSAGE_ID_FIELD) ids.push(reader.string());
    else reader.skip(type, field);
  }
  return ids;
}

/** What is to be sent; undefined when it is not kept any more. Throws when it cannot be read. */
export function requestOf(stored: Uint8Array): SendMessagesRequest | undefined {
  const reader = new BinaryReader(stored);
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (field === REQUEST_FIELD) return fromBinary(SendMessagesRequestSchema, reader.bytes());
    reader.skip(type, field);
  }
  return undefined;
}

function writeIds(messageIds: readonly string[], room: number): { target: Uint8Array; at: number } {
  let bytes = room;
  for (const id of messageIds) {
    const length = Buffer.byteLength(id);
    bytes += 1 + varintLength(length) + length;
  }
  const target = Buffer.alloc(bytes);
  let at = 0;
  for (const id of messageIds) {
    target[at] = MESSAGE_ID_TAG;
    at = writeVarint(target, at + 1, Buffer.byteLength(id));
    at += target.write(id, at);
  }
  return { target, at };
}
