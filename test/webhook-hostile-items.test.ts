import { fromBinary } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { type Event, EventSchema, EventType } from "../gen/infobip/events/v1/event_pb.js";
import type { NewEvent } from "../src/eventlog/event-log.ts";
import { decodeReportBody } from "../src/infobip/reports/report-body.ts";
import { buildEvents } from "../src/webhook/event-batch.ts";
import { bodyOf, deliveryReport } from "./fixtures/webhook-target.ts";

function build(body: string | Uint8Array, route: "delivery" | "inbound" = "delivery"): NewEvent[] {
  return buildEvents(decodeReportBody(Buffer.from(body), { xml: true }), route);
}

function decode(event: NewEvent | undefined): Event {
  if (!event) throw new Error("no event");
  return fromBinary(EventSchema, event.encoded);
}

test("text too long for a column stays whole in the payload", () => {
  const long = "m".repeat(1_001);
  const [built] = build(bodyOf(deliveryReport({ messageId: long, sender: "s".repeat(1_000) })));
  expect(built?.columns).toMatchObject({ messageId: "", sender: "s".repeat(1_000) });
  const event = decode(built);
  expect(event.messageId).toBeUndefined();
  expect(event.payload.value).toMatchObject({ messageId: long });
  const [other] = build(bodyOf(deliveryReport({ messageId: `${long}x` })));
  expect(decode(other).id).not.toBe(event.id);
});

test("half surrogates become the replacement character everywhere alike", () => {
  const [built] = build(`{"results":[{"messageId":"a\\ud800b","destination":"\\udc00"}]}`);
  expect(built?.columns.messageId).toBe("a\ufffdb");
  const event = decode(built);
  expect(event).toMatchObject({
    messageId: "a\ufffdb",
    destination: "\ufffd",
    type: EventType.DELIVERY_REPORT,
  });
  expect(event.payload.value).toMatchObject({ messageId: "a\ufffdb" });
});

test("bytes that are no UTF-8 are stored as they came", () => {
  const item = Buffer.concat([
    Buffer.from('{"messageId":"m","callbackData":"'),
    Buffer.from([0xff, 0xc3]),
    Buffer.from('"}'),
  ]);
  const [built] = build(Buffer.concat([Buffer.from('{"results":['), item, Buffer.from("]}")]));
  expect(Buffer.from(built?.raw ?? []).equals(item)).toBe(true);
  expect(decode(built)).toMatchObject({ messageId: "m", callbackData: "\ufffd\ufffd" });
});

test("content nested 100,000 deep costs only its own event its type", () => {
  const deep = `${"[".repeat(100_000)}${"]".repeat(100_000)}`;
  const flow = `{"event":"MO","messageId":"deep","content":[{"type":"FLOW_RESPONSE","response":{"a":${deep}}}]}`;
  const unknown = `{"event":"MO","messageId":"new","content":[{"type":"HOLOGRAM","a":${deep}}]}`;
  const built = build(
    `{"results":[${flow},{"event":"MO","messageId":"next"},${unknown},${deep}]}`,
    "inbound",
  );
  expect(built.map((event) => [event.columns.type, event.columns.messageId])).toEqual([
    [EventType.UNPARSED, "deep"],
    [EventType.INBOUND_MESSAGE, "next"],
    [EventType.UNPARSED, "new"],
    [EventType.UNPARSED, ""],
  ]);
  expect(decode(built[0]).messageId).toBe("deep");
  expect(Buffer.from(built[0]?.raw ?? []).toString()).toBe(flow);
});

test("content is read down to 64 levels, and is unparsed below", () => {
  const item = (levels: number): string =>
    `{"event":"MO","messageId":"m","content":[{"type":"FLOW_RESPONSE","response":${'{"a":'.repeat(levels)}1${"}".repeat(levels)}}]}`;
  const built = build(`{"results":[${item(61)},${item(62)}]}`, "inbound");
  expect(built.map((event) => event.columns.type)).toEqual([EventType.INBOUND_MESSAGE, EventType.UNPARSED]);
});

test("names of the prototype are only names", () => {
  const [first, second] = build(
    `{"results":[{"__proto__":{"messageId":"p","event":"SEEN"},"constructor":1,"messageId":"m"},{"toString":1}]}`,
  );
  expect(decode(first)).toMatchObject({ messageId: "m", type: EventType.DELIVERY_REPORT });
  expect(second?.columns.type).toBe(EventType.UNPARSED);
});

test("of repeated members the last counts", () => {
  const [built] = build(`{"results":[1],"results":[{"messageId":"a","messageId":"b"}]}`);
  expect(built?.columns.messageId).toBe("b");
  expect(Buffer.from(built?.raw ?? []).toString()).toBe('{"messageId":"a","messageId":"b"}');
});

test("numbers out of range are left out, never cut", () => {
  const [built] = build(
    bodyOf(deliveryReport({ messageCount: 4_294_967_297, mccMnc: 1.5 })).replace("1.5", "1e999"),
  );
  const { payload } = decode(built);
  expect(payload.case).toBe("deliveryReport");
  expect(payload.value).not.toHaveProperty("messageCount");
  expect(payload.value).not.toHaveProperty("mccMnc");
});

test("many events of all sizes keep their own bytes", () => {
  const sizes = [0, 1, 90, 127, 128, 5_000, 20_000, 300];
  const items = sizes.map((size, index) =>
    deliveryReport({ messageId: `m-${index}`, callbackData: "é".repeat(size) }),
  );
  const built = build(bodyOf(...items));
  expect(built.map((event) => decode(event).callbackData?.length)).toEqual(sizes);
  expect(built.map((event) => decode(event).messageId)).toEqual(items.map((item) => item.messageId));
});
