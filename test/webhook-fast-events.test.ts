import { equals, fromBinary, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Event, EventSchema } from "../gen/infobip/events/v1/event_pb.js";
import type { NewEvent } from "../src/eventlog/event-log.ts";
import { fingerprintBytes } from "../src/eventlog/fingerprint.ts";
import { decodeReportBody } from "../src/infobip/reports/report-body.ts";
import type { ReportItem } from "../src/infobip/reports/report-item.ts";
import { buildEvents } from "../src/webhook/event-batch.ts";
import { draftEvent } from "../src/webhook/event-builder.ts";
import { transcodeEvents } from "../src/webhook/fast-events.ts";
import type { WebhookRoute } from "../src/webhook/report-kind.ts";
import { arbitraryDeliveryReport, arbitrarySeenReport } from "./fixtures/arbitrary-report.ts";
import { bodyOf, deliveryReport } from "./fixtures/webhook-target.ts";

function itemsOf(...values: unknown[]): ReportItem[] {
  return decodeReportBody(Buffer.from(bodyOf(...values)), { xml: true });
}

/** What the general way makes of an item. */
function generalEvent(item: ReportItem, route: WebhookRoute): NewEvent {
  const draft = draftEvent(item, route);
  const encoded = toBinary(EventSchema, draft.event);
  return { columns: draft.columns, fingerprint: fingerprintBytes(draft.fingerprint), encoded, raw: item.raw };
}

function decode(event: NewEvent): Event {
  return fromBinary(EventSchema, event.encoded);
}

function expectSame(event: NewEvent, expected: NewEvent): void {
  expect(event.columns).toStrictEqual(expected.columns);
  expect(Buffer.from(event.fingerprint).toString("hex")).toBe(
    Buffer.from(expected.fingerprint).toString("hex"),
  );
  expect(event.raw).toBe(expected.raw);
  if (!equals(EventSchema, decode(event), decode(expected))) {
    expect(decode(event)).toEqual(decode(expected));
  }
  expect(Buffer.from(event.encoded).equals(expected.encoded)).toBe(true);
}

const KINDS = [
  ["delivery", arbitraryDeliveryReport],
  ["seen", arbitrarySeenReport],
] as const;

describe.each(KINDS)("%s", (route, arbitrary) => {
  test("an event made straight from JSON is the event of the general way", () => {
    let made = 0;
    fc.assert(
      fc.property(fc.array(arbitrary(true), { minLength: 1, maxLength: 4 }), (values) => {
        const items = itemsOf(...values);
        transcodeEvents(items, route).forEach((event, index) => {
          if (event === undefined) return;
          made++;
          expectSame(event, generalEvent(items[index] as ReportItem, route));
        });
      }),
      { numRuns: 800 },
    );
    expect(made).toBeGreaterThan(200);
  });

  test("a batch holds the event of each item, in order, whichever way it was made", () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(arbitrary(true), fc.constantFrom(1, null, {})), { maxLength: 6 }),
        (values) => {
          const items = itemsOf(...values);
          const events = buildEvents(items, route);
          expect(events).toHaveLength(items.length);
          events.forEach((event, index) => {
            expectSame(event, generalEvent(items[index] as ReportItem, route));
          });
        },
      ),
      { numRuns: 300 },
    );
  });
});

const SEEN = { event: "SEEN", channel: "WHATSAPP", messageId: "m", seenAt: "2026-05-04T09:30:02.125+0000" };

test.each<[string, WebhookRoute, Record<string, unknown>]>([
  ["a delivery report", "delivery", deliveryReport()],
  ["one without times, status and error", "delivery", { messageId: "m" }],
  ["one without a message id", "delivery", deliveryReport({ messageId: undefined })],
  ["one with members that are not known", "delivery", deliveryReport({ price: { perMessage: 1 } })],
  ["one of an unknown channel", "delivery", deliveryReport({ channel: "PIGEON" })],
  ["one with text beyond ASCII", "delivery", deliveryReport({ callbackData: "ž😀" })],
  ["a seen report", "seen", SEEN],
  ["a seen report at the other route", "delivery", SEEN],
])("%s takes the fast way", (_, route, value) => {
  const items = itemsOf(value);
  const [event] = transcodeEvents(items, route);
  if (!event) throw new Error("it took the general way");
  expectSame(event, generalEvent(items[0] as ReportItem, route));
});

test.each<[string, WebhookRoute, unknown]>([
  ["a date in another spelling", "delivery", deliveryReport({ doneAt: "2026-05-04T09:30:02Z" })],
  ["a date before 1970", "delivery", deliveryReport({ doneAt: "1969-12-31T23:59:59.999+0000" })],
  ["half a surrogate", "delivery", deliveryReport({ callbackData: "\ud800" })],
  ["a value of another type", "delivery", deliveryReport({ messageCount: "1" })],
  ["a report about no message", "seen", { sender: "s" }],
  ["an inbound message", "inbound", { event: "MO", messageId: "m", sender: "s" }],
  ["a number", "delivery", 1],
])("%s takes the general way", (_, route, value) => {
  expect(transcodeEvents(itemsOf(value), route)).toEqual([undefined]);
});

test("an item that is to be kept as it came is taken for no report", () => {
  const [item] = itemsOf(deliveryReport());
  if (!item) throw new Error("no item");
  expect(transcodeEvents([{ ...item, isOpaque: true }], "delivery")).toEqual([undefined]);
});

test("events stay as they are when the next batches are made", () => {
  const items = itemsOf(deliveryReport(), deliveryReport({ messageId: "message-2" }));
  const events = buildEvents(items, "delivery");
  const before = events.map((event) => Buffer.from(event.encoded).toString("hex"));
  buildEvents(itemsOf(deliveryReport({ messageId: "other", callbackData: "x".repeat(90_000) })), "delivery");
  buildEvents(itemsOf(SEEN, SEEN), "seen");
  expect(events.map((event) => Buffer.from(event.encoded).toString("hex"))).toEqual(before);
});
