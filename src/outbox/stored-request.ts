import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import {
  type SendMessagesRequest,
  SendMessagesRequestSchema,
} from "../../gen/infobip/messages/v1/send_messages_pb.js";
import { varintLength, writeVarint } from "../eventlog/protobuf-wire.ts";
import type { TraceContext } from "../rpc/trace-context.ts";

// What SubmissionRecord.request holds, in protobuf's wire format: the message id of each destination (1), then what is
// left out once the submission is done: the traceparent (3) and tracestate (4) of the call, where it was part of a
// trace, and the binary SendMessagesRequest (2).
const MESSAGE_ID_FIELD = 1;
const REQUEST_FIELD = 2;
const TRACEPARENT_FIELD = 3;
const TRACESTATE_FIELD = 4;
const MESSAGE_ID_TAG = (MESSAGE_ID_FIELD << 3) | 2;
const REQUEST_TAG = (REQUEST_FIELD << 3) | 2;
const NO_BYTES = new Uint8Array(0);

/** Encodes what is to be sent, under which ids, and where the call that asked for it stands in a trace. */
export function encodeStoredRequest(
  messageIds: readonly string[],
  request: SendMessagesRequest,
  trace?: TraceContext,
): Uint8Array {
  const body = toBinary(SendMessagesRequestSchema, request);
  const context = trace === undefined ? NO_BYTES : encodeTrace(trace);
  const head = 1 + varintLength(body.length);
  const { target, at } = writeIds(messageIds, context.length + head + body.length);
  target.set(context, at);
  target[at + context.length] = REQUEST_TAG;
  target.set(body, writeVarint(target, at + context.length + 1, body.length));
  return target;
}

function encodeTrace({ traceparent, tracestate }: TraceContext): Uint8Array {
  const writer = new BinaryWriter();
  writer.tag(TRACEPARENT_FIELD, WireType.LengthDelimited).string(traceparent);
  if (tracestate !== undefined) writer.tag(TRACESTATE_FIELD, WireType.LengthDelimited).string(tracestate);
  return writer.finish();
}

/** Where the call stands in a trace; undefined when it is in none, and when that is not kept any more. */
export function traceOf(stored: Uint8Array): TraceContext | undefined {
  let traceparent: string | undefined;
  let tracestate: string | undefined;
  const reader = new BinaryReader(stored);
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (field === REQUEST_FIELD) break;
    if (field === TRACEPARENT_FIELD) traceparent = reader.string();
    else if (field === TRACESTATE_FIELD) tracestate = reader.string();
    else reader.skip(type, field);
  }
  return traceparent === undefined
    ? undefined
    : { traceparent, ...(tracestate !== undefined && { tracestate }) };
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
