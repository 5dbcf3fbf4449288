import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { writeVarint } from "./protobuf-wire.ts";

// Field number of infobip.events.v1.Event; test/eventlog-event-trace.test.ts compares it with the schema.
const TRACE_PARENT = 18;
const TRACE_PARENT_TAG = (TRACE_PARENT << 3) | WireType.LengthDelimited;
/** Bytes of tag and length. A traceparent is ASCII, and shorter than what a length of one byte can tell. */
const HEAD_BYTES = 3;

/** Bytes that {@link writeTraceParent} writes. */
export function traceParentBytes(traceParent: string): number {
  return HEAD_BYTES + traceParent.length;
}

/** Writes Event.trace_parent as one protobuf field and returns the offset after it. */
export function writeTraceParent(target: Buffer, offset: number, traceParent: string): number {
  let at = writeVarint(target, offset, TRACE_PARENT_TAG);
  target[at++] = traceParent.length;
  return at + target.write(traceParent, at, "latin1");
}

/** An encoded Event with trace_parent set: protobuf messages concatenate. */
export function withTraceParent(encoded: Uint8Array, traceParent: string): Uint8Array {
  const target = Buffer.allocUnsafe(encoded.length + traceParentBytes(traceParent));
  target.set(encoded, 0);
  writeTraceParent(target, encoded.length, traceParent);
  return target;
}

/** trace_parent of an encoded Event; undefined when it is not set. Throws for bytes that are no protobuf message. */
export function traceParentOf(encoded: Uint8Array): string | undefined {
  const reader = new BinaryReader(encoded);
  let found: string | undefined;
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (field === TRACE_PARENT && type === WireType.LengthDelimited) found = reader.string();
    else reader.skip(type, field);
  }
  return found;
}
