import { fromBinary } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { type Event, EventSchema } from "../gen/infobip/events/v1/event_pb.js";
import { decodeReportBody } from "../src/infobip/reports/report-body.ts";
import { buildEvents } from "../src/webhook/event-batch.ts";
import type { WebhookRoute } from "../src/webhook/report-kind.ts";
import { bodyOf, deliveryReport } from "./fixtures/webhook-target.ts";

interface Identity {
  readonly key: string;
  readonly event: Event;
}

function identify(item: unknown, route: WebhookRoute = "delivery"): Identity {
  const [built] = buildEvents(decodeReportBody(Buffer.from(bodyOf(item)), { xml: true }), route);
  if (!built) throw new Error("no event");
  const { columns, fingerprint } = built;
  expect(fingerprint).toHaveLength(8);
  return {
    key: `${Buffer.from(fingerprint).toString("hex")}.${columns.messageId}`,
    event: fromBinary(EventSchema, built.encoded),
  };
}

const usual = identify(deliveryReport());

describe("what makes two reports the same news", () => {
  test("the event id is the fingerprint and the message id, and stays the same for good", () => {
    expect(usual.event.id).toBe(usual.key);
    // Stored logs hold ids of this form: a change makes every repeat across an upgrade a new event.
    expect(usual.event.id).toBe("cd7276ed3f9e5dcd.message-1");
  });

  test.each<[string, Record<string, unknown>]>([
    ["another spelling of the time", { doneAt: "2026-05-04T11:30:02.125+02:00" }],
    ["words that changed", { status: { groupId: 3, id: 5, name: "RENAMED" }, error: { id: 0 } }],
    ["another time of sending", { sentAt: undefined }],
    ["a new member", { price: 1 }],
  ])("%s makes no new event", (_, changes) => {
    expect(identify(deliveryReport(changes)).key).toBe(usual.key);
  });

  test.each<[string, Record<string, unknown>]>([
    ["another message", { messageId: "message-2" }],
    ["another channel, as in a failover", { channel: "VIBER_BM" }],
    ["a channel that is not known", { channel: "PIGEON" }],
    ["another status group", { status: { groupId: 4, id: 5 } }],
    ["another status", { status: { groupId: 3, id: 2 } }],
    ["another error", { error: { id: 27 } }],
    ["another time", { doneAt: "2026-05-04T09:30:02.126+0000" }],
    ["no time", { doneAt: undefined }],
    ["a time that cannot be read", { doneAt: "soon" }],
  ])("%s makes a new event", (_, changes) => {
    expect(identify(deliveryReport(changes)).key).not.toBe(usual.key);
  });

  test("another kind makes a new event", () => {
    const item = { messageId: "m", channel: "RCS", sender: "s", receivedAt: "2026-05-04T09:30:02.125+0000" };
    const keys = ["MO", "TYPING_STARTED", "TYPING_STOPPED"].map((event) => identify({ ...item, event }).key);
    expect(new Set(keys).size).toBe(3);
  });

  test("without a time, the same status of the same message is the same news", () => {
    const first = identify(deliveryReport({ doneAt: undefined, callbackData: "a" }));
    const second = identify(deliveryReport({ doneAt: undefined, callbackData: "b" }));
    expect(second.key).toBe(first.key);
  });

  test("without a message id the bytes tell reports apart", () => {
    const first = identify(deliveryReport({ messageId: undefined, destination: "1" }));
    const second = identify(deliveryReport({ messageId: undefined, destination: "2" }));
    expect(second.key).not.toBe(first.key);
    expect(identify(deliveryReport({ messageId: undefined, destination: "1" })).key).toBe(first.key);
    expect(first.event.id).toMatch(/^[0-9a-f]{16}\.[0-9a-f]{16}$/);
  });

  test("where an id is missing or unreadable its name tells reports apart", () => {
    const status = { groupId: 2, groupName: "UNDELIVERABLE", id: 9, name: "UNDELIVERABLE_NOT_DELIVERED" };
    const keys = [
      { status: { ...status, groupId: undefined } },
      { status: { ...status, groupId: undefined, groupName: "EXPIRED" } },
      { status: { ...status, id: "nine" } },
      { status: { ...status, id: "nine", name: "OTHER" } },
      { status, error: { name: "EC_A" } },
      { status, error: { name: "EC_B" } },
    ].map((changes) => identify(deliveryReport(changes)).key);
    expect(new Set(keys).size).toBe(keys.length);
  });

  test.each<[string, Buffer, Buffer]>([
    ["bytes that are no UTF-8", Buffer.from([0x22, 0xff, 0x22]), Buffer.from([0x22, 0xfe, 0x22])],
    ["half surrogates", Buffer.from('"\\ud800"'), Buffer.from('"\\ud801"')],
    ["numbers that lose digits", Buffer.from("12345678901234567891"), Buffer.from("12345678901234567892")],
  ])("two message ids that become one, as %s, are two events", (_, one, two) => {
    const key = (id: Buffer): string => {
      const body = Buffer.concat([Buffer.from('{"results":[{"messageId":'), id, Buffer.from("}]}")]);
      const [built] = buildEvents(decodeReportBody(body, { xml: true }), "delivery");
      return `${Buffer.from(built?.fingerprint ?? []).toString("hex")}.${built?.columns.messageId}`;
    };
    expect(key(two)).not.toBe(key(one));
    expect(key(one)).toBe(key(one));
    expect(key(two).split(".")[1]).toBe(key(one).split(".")[1]);
  });

  test("the parts cannot be confused with one another", () => {
    const left = identify(deliveryReport({ channel: 'SMS",3,5', status: undefined }));
    const right = identify(deliveryReport({ channel: "SMS", status: undefined }));
    expect(left.key).not.toBe(right.key);
  });

  test("items that cannot be read are told apart by their bytes", () => {
    expect(identify(1).key).not.toBe(identify(2).key);
    expect(identify(1).key).toBe(identify(1).key);
    expect(identify(1).event.id).toMatch(/^[0-9a-f]{16}\.[0-9a-f]{16}$/);
  });
});

describe("final", () => {
  test.each<[number | undefined, number | undefined, boolean]>([
    [0, 0, false],
    [1, 7, false],
    [1, 26, false],
    [2, 9, true],
    [3, 2, false],
    [3, 5, true],
    [3, undefined, false],
    [4, 15, true],
    [5, 14, true],
    [5, 23, false],
    [5, undefined, true],
    [5, 87, true],
    [6, 5, false],
    [undefined, 5, false],
  ])("group %s, id %s: %s", (groupId, id, final) => {
    expect(identify(deliveryReport({ status: { groupId, id } })).event.final).toBe(final);
  });
});
