import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { expect, test } from "vitest";
import { EventSchema, EventType } from "../gen/infobip/events/v1/event_pb.js";
import {
  traceParentBytes,
  traceParentOf,
  withTraceParent,
  writeTraceParent,
} from "../src/eventlog/event-trace.ts";

const TRACE_PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

const events = fc.record(
  {
    id: fc.string({ unit: "grapheme" }),
    type: fc.constantFrom(EventType.DELIVERY_REPORT, EventType.SEEN_REPORT),
    messageId: fc.string({ unit: "grapheme", maxLength: 300 }),
    final: fc.boolean(),
    superseded: fc.boolean(),
    traceParent: fc.constant(TRACE_PARENT.replace("4bf9", "ffff")),
  },
  { requiredKeys: ["id"] },
);

test("adds the field that the schema has, and changes nothing else", () => {
  fc.assert(
    fc.property(events, (fields) => {
      const event = create(EventSchema, fields);
      const encoded = toBinary(EventSchema, event);
      const traced = withTraceParent(encoded, TRACE_PARENT);
      const expected = create(EventSchema, { ...fields, traceParent: TRACE_PARENT });
      expect(fromBinary(EventSchema, traced)).toEqual(
        fromBinary(EventSchema, toBinary(EventSchema, expected)),
      );
      expect(traceParentOf(traced)).toBe(TRACE_PARENT);
      expect(traceParentOf(encoded)).toBe(event.traceParent);
      expect(traced.length - encoded.length).toBe(traceParentBytes(TRACE_PARENT));
    }),
    { numRuns: 100 },
  );
});

test("tells where it ends", () => {
  const target = Buffer.alloc(100);
  expect(writeTraceParent(target, 7, TRACE_PARENT)).toBe(7 + traceParentBytes(TRACE_PARENT));
});
