import { afterEach, describe, expect, it } from "vitest";
import { EventType } from "../gen/infobip/events/v1/event_pb.js";
import { StartPosition } from "../gen/infobip/events/v1/positions_pb.js";
import { SendMessagesRequestSchema, SendOutcome } from "../gen/infobip/messages/v1/send_messages_pb.js";
import { decodeRest } from "../src/infobip/codec/decode.ts";
import { type ServiceRig, startServiceRig } from "./fixtures/service-rig.ts";
import { watchUntil } from "./fixtures/watch-until.ts";

let rig: ServiceRig;
afterEach(() => rig[Symbol.asyncDispose]());

const EARLIEST = { from: { case: "start", value: StartPosition.EARLIEST } } as const;

function text(channel: string, destinations: readonly object[], more: object = {}) {
  return {
    channel,
    sender: "ShopDesk",
    destinations,
    content: { body: { type: "TEXT", text: "x" } },
    ...more,
  };
}

function send(...messages: object[]) {
  return rig.messages.sendMessages(decodeRest(SendMessagesRequestSchema, { messages }).message);
}

describe("the main job", () => {
  it("sends on four channels and streams what was answered and every delivery report back", async () => {
    rig = await startServiceRig();
    const channels = ["SMS", "WHATSAPP", "RCS", "VIBER_BM"];
    const { bulkId, results } = await send(
      ...channels.map((channel) => text(channel, [{ to: "385910000000" }])),
    );
    expect(bulkId).toBeTruthy();
    expect(results.map((result) => result.outcome)).toEqual(channels.map(() => SendOutcome.SENT));
    const sent = new Set(results.map((result) => result.messageId));
    const events = await watchUntil(
      rig.events,
      EARLIEST,
      (all) => all.filter((e) => e.final).length >= sent.size,
    );
    expect(new Set(events.map((event) => event.messageId))).toEqual(sent);
    for (const event of events) expect(event).toMatchObject({ bulkId, sender: "ShopDesk" });
    const ofType = (type: EventType) => events.filter((event) => event.type === type);
    const answers = ofType(EventType.SEND_RESULT);
    const reports = ofType(EventType.DELIVERY_REPORT);
    expect(answers.map(({ messageId }) => messageId).toSorted()).toEqual([...sent].toSorted());
    expect(answers.map(({ payload }) => payload.case)).toEqual(answers.map(() => "sendResult"));
    expect(new Set(reports.map(({ messageId }) => messageId))).toEqual(sent);
    expect(reports.map(({ payload }) => payload.case)).toEqual(reports.map(() => "deliveryReport"));
    expect(answers.length + reports.length).toBe(events.length);
  });

  it("streams seen reports, replies and typing", async () => {
    rig = await startServiceRig({
      simulator: { behaviours: ({ channel }) => (channel === "RCS" ? "typingThenReply" : "seen") },
    });
    await send(text("RCS", [{ to: "1" }]), text("WHATSAPP", [{ to: "2" }]));
    const wanted = [EventType.SEEN_REPORT, EventType.INBOUND_MESSAGE, EventType.TYPING_STARTED];
    const types = (events: readonly { type: EventType }[]) => new Set(events.map((event) => event.type));
    const events = await watchUntil(rig.events, EARLIEST, (all) =>
      wanted.every((type) => types(all).has(type)),
    );
    expect(types(events)).toEqual(new Set([EventType.SEND_RESULT, EventType.DELIVERY_REPORT, ...wanted]));
  });

  it("keeps one event of a report that came twice, and takes one that came before the answer", async () => {
    rig = await startServiceRig({
      simulator: { behaviours: ({ to }) => (to === "1" ? "duplicateReports" : "reportBeforeResponse") },
    });
    const { results } = await send(text("SMS", [{ to: "1" }, { to: "2" }]));
    await rig.simulator.idle();
    const events = await watchUntil(rig.events, EARLIEST, (all) => all.filter((e) => e.final).length === 2);
    const finals = events.filter((event) => event.final).map((event) => event.messageId);
    expect(finals.toSorted()).toEqual(results.map((result) => result.messageId).toSorted());
    expect(new Set(events.map((event) => event.id)).size).toBe(events.length);
  });

  it("takes XML delivery reports", async () => {
    rig = await startServiceRig();
    const { results } = await send(
      text("SMS", [{ to: "1" }], { webhooks: { contentType: "application/xml" } }),
    );
    const [event] = await watchUntil(
      rig.events,
      { ...EARLIEST, filter: { types: [EventType.DELIVERY_REPORT] }, includeRawBody: true },
      (all) => all.length > 0,
    );
    expect(event?.messageId).toBe(results[0]?.messageId);
    expect(Buffer.from(event?.rawBody ?? []).toString()).toContain("<messageId>");
  });

  it("misses nothing and repeats nothing across a restart", async () => {
    rig = await startServiceRig();
    const first = await send(text("SMS", [{ to: "1" }, { to: "2" }]));
    const before = await watchUntil(rig.events, EARLIEST, (all) => all.filter((e) => e.final).length === 2);
    const cursor = before.at(-1)?.cursor ?? "";
    await rig.simulator.idle();
    await rig.restart();
    const second = await send(text("SMS", [{ to: "3" }]));
    const after = await watchUntil(rig.events, { from: { case: "cursor", value: cursor } }, (all) =>
      all.some((e) => e.final && e.messageId === second.results[0]?.messageId),
    );
    const all = await watchUntil(
      rig.events,
      EARLIEST,
      (events) => events.length >= before.length + after.length,
    );
    expect([...before, ...after].map((event) => event.id)).toEqual(all.map((event) => event.id));
    const ids = [...first.results, ...second.results].map((result) => result.messageId);
    expect(
      all
        .filter((event) => event.final)
        .map((event) => event.messageId)
        .toSorted(),
    ).toEqual(ids.toSorted());
  });

  it("reports a rejected destination as a result, not as an error", async () => {
    rig = await startServiceRig({ simulator: { behaviours: () => "rejected" } });
    const { results } = await send(text("SMS", [{ to: "1" }]));
    expect(results[0]?.outcome).toBe(SendOutcome.NOT_SENT);
    expect(results[0]?.status?.groupId).toBe(5);
  });
});
