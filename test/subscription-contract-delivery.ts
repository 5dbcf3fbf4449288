import { create } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { EventFilterSchema } from "../gen/infobip/events/v1/event_filter_pb.js";
import { EventType } from "../gen/infobip/events/v1/event_pb.js";
import { sampleEvent, sampleEvents } from "./event-log-samples.ts";
import { ack, firstOf, nack, type SubscriptionRig, TAKE_ALL, taken } from "./subscription-harness.ts";

/** Delivery, acknowledgement, order and filters. */
export function describeDelivery(start: () => Promise<SubscriptionRig>): void {
  describe("delivery", () => {
    it("delivers what matches after the position, once, in order", async () => {
      await using rig = await start();
      await rig.log.append(sampleEvents(1, 5));
      await rig.create({}, 2);
      const session = rig.join();
      expect(await taken(session)).toEqual(firstOf(3, 5));
      expect(await taken(session)).toEqual([]);
      await rig.log.append(sampleEvents(6, 7));
      expect(await taken(session)).toEqual(firstOf(6, 7));
    });

    it("never gives one event to two sessions", async () => {
      await using rig = await start();
      await rig.create();
      await rig.log.append(sampleEvents(1, 100));
      const sessions = [rig.join(), rig.join(), rig.join()];
      const seen: string[] = [];
      for (let round = 0; round < 10; round++) {
        const parts = await Promise.all(sessions.map((session) => taken(session, { maxEvents: 4 })));
        seen.push(...parts.flat());
      }
      expect(seen).toHaveLength(100);
      expect(new Set(seen).size).toBe(100);
    });

    it("keeps to the bounds of a take", async () => {
      await using rig = await start();
      await rig.create();
      await rig.log.append(sampleEvents(1, 10));
      const session = rig.join();
      expect(await taken(session, { maxEvents: 3 })).toEqual(firstOf(1, 3));
      expect(await taken(session, { maxBytes: 1 })).toEqual(firstOf(4, 4));
      expect(await taken(session)).toEqual(firstOf(5, 10));
    });

    it("keeps to the bounds of a take for redeliveries too", async () => {
      await using rig = await start();
      await rig.create();
      await rig.log.append(sampleEvents(1, 10));
      const before = rig.join();
      await taken(before);
      await before.end("LEFT");
      const session = rig.join();
      expect(await taken(session, { maxEvents: 3 })).toEqual(firstOf(1, 3));
      expect(await taken(session, { maxBytes: 1 })).toEqual(firstOf(4, 4));
      expect(await taken(session)).toEqual(firstOf(5, 10));
    });

    it("acknowledges by id and says what is not held", async () => {
      await using rig = await start();
      await rig.create();
      await rig.log.append(sampleEvents(1, 3));
      const session = rig.join();
      const other = rig.join();
      await taken(session);
      expect(await ack(session, 1, 2)).toEqual({ acked: 2, nacked: 0, failures: [] });
      const notHeld = { eventId: "e-1", reason: "NOT_HELD" };
      expect(await ack(session, 1, 3)).toEqual({ acked: 1, nacked: 0, failures: [notHeld] });
      expect(await ack(other, 1)).toEqual({ acked: 0, nacked: 0, failures: [notHeld] });
      expect(await rig.engine.progress("s")).toMatchObject({ settledTo: 3, lagEvents: 0, inFlight: 0 });
    });

    it("acknowledges an event and what was handed over before it, and nothing of others or after it", async () => {
      await using rig = await start();
      await rig.create();
      await rig.log.append(sampleEvents(1, 10));
      const other = rig.join();
      const session = rig.join();
      await taken(other, { maxEvents: 2 });
      await taken(session);
      await nack(session, [4]);
      expect(await taken(session)).toEqual(["4:2"]);
      const through = await session.settle({ ackIds: [], ackThrough: 6, nacks: [] });
      expect(through).toEqual({ acked: 3, nacked: 0, failures: [] });
      expect(await rig.engine.progress("s")).toMatchObject({ settledTo: 0, inFlight: 7 });
      await ack(other, 1, 2);
      expect(await rig.engine.progress("s")).toMatchObject({ settledTo: 3, inFlight: 5 });
      const redelivered = await session.settle({ ackIds: [], ackThrough: 4, nacks: [] });
      expect(redelivered).toEqual({ acked: 5, nacked: 0, failures: [] });
      expect(await rig.engine.progress("s")).toMatchObject({ settledTo: 10, inFlight: 0 });
    });

    it("acknowledges nothing through an event that the session does not hold", async () => {
      await using rig = await start();
      await rig.create();
      await rig.log.append(sampleEvents(1, 4));
      const other = rig.join();
      const session = rig.join();
      await taken(other, { maxEvents: 1 });
      await taken(session, { maxEvents: 2 });
      const nothing = { acked: 0, nacked: 0, failures: [{ eventId: "", reason: "NOT_HELD" }] };
      for (const ackThrough of [0, 1, 4, 99]) {
        expect(await session.settle({ ackIds: [], ackThrough, nacks: [] })).toEqual(nothing);
      }
      expect(await session.settle({ ackIds: [], ackThrough: 3, nacks: [] })).toMatchObject({ acked: 2 });
      expect(await session.settle({ ackIds: [], ackThrough: 3, nacks: [] })).toEqual(nothing);
    });

    it("settles each event that is named twice once", async () => {
      await using rig = await start();
      await rig.create();
      await rig.log.append(sampleEvents(1, 2));
      const session = rig.join();
      await taken(session);
      const settlement = { ackIds: ["e-1", "e-1"], ackThrough: 1, nacks: [{ ids: ["e-1", "e-2"] }] };
      const twice = { eventId: "e-1", reason: "NOT_HELD" };
      expect(await session.settle(settlement)).toEqual({ acked: 1, nacked: 1, failures: [twice, twice] });
    });

    it("returns raw bodies when asked for, of redeliveries too", async () => {
      await using rig = await start();
      await rig.create();
      await rig.log.append(sampleEvents(1, 1));
      const session = rig.join();
      const plain = await session.take(TAKE_ALL);
      await nack(session, [1]);
      const raw = await session.take({ ...TAKE_ALL, includeRaw: true });
      const { records } = await rig.log.read(0, { limit: 1, maxBytes: 1 << 20, includeRaw: true });
      expect(Buffer.from(raw.deliveries[0]?.record.encoded ?? [])).toEqual(
        Buffer.from(records[0]?.encoded ?? []),
      );
      expect(plain.deliveries[0]?.record.columns).toEqual(raw.deliveries[0]?.record.columns);
    });
  });

  describe("order", () => {
    const ofMessages = (...ids: string[]) => ids.map((messageId, i) => sampleEvent(i + 1, { messageId }));

    it("holds one event of a message at a time, over all sessions, and lets others pass", async () => {
      await using rig = await start();
      await rig.create();
      await rig.log.append(ofMessages("a", "a", "b", "a", "b", "c"));
      const [one, two] = [rig.join(), rig.join()];
      expect(await taken(one)).toEqual(["1:1", "3:1", "6:1"]);
      expect(await taken(two)).toEqual([]);
      await ack(one, 1);
      expect(await taken(two)).toEqual(["2:1"]);
      expect(await taken(one)).toEqual([]);
      await ack(one, 3);
      expect(await taken(one)).toEqual(["5:1"]);
      await ack(two, 2);
      expect(await taken(one)).toEqual(["4:1"]);
    });

    it("lets the next event of a message wait for the delay of a refused one", async () => {
      await using rig = await start();
      await rig.create();
      await rig.log.append(ofMessages("a", "a", "b"));
      const session = rig.join();
      expect(await taken(session)).toEqual(["1:1", "3:1"]);
      await nack(session, [1], 5_000);
      await ack(session, 3);
      await rig.log.append([sampleEvent(4, { messageId: "a" }), sampleEvent(5, { messageId: "b" })]);
      expect(await taken(session)).toEqual(["5:1"]);
      rig.timer.advance(4_999);
      expect(await taken(session)).toEqual([]);
      rig.timer.advance(1);
      expect(await taken(session)).toEqual(["1:2"]);
      await ack(session, 1);
      expect(await taken(session)).toEqual(["2:1"]);
    });

    it("goes on with the next event of a message when one is dead", async () => {
      await using rig = await start();
      await rig.create({ maxAttempts: 1 });
      await rig.log.append(ofMessages("a", "a"));
      const session = rig.join();
      await taken(session);
      await nack(session, [1]);
      expect(await taken(session)).toEqual(["2:1"]);
    });

    it("lets events without a message id never wait", async () => {
      await using rig = await start();
      await rig.create();
      await rig.log.append(ofMessages("", "", ""));
      const session = rig.join();
      expect(await taken(session)).toEqual(firstOf(1, 3));
      await nack(session, [1], 5_000);
      await rig.log.append([sampleEvent(4, { messageId: "" })]);
      expect(await taken(session)).toEqual(["4:1"]);
    });

    it("keeps the order of a message with thousands of events", async () => {
      await using rig = await start();
      await rig.create();
      await rig.log.append(
        Array.from({ length: 3_000 }, (_, i) => sampleEvent(i + 1, { rank: 0, messageId: "a" })),
      );
      const session = rig.join();
      for (let n = 1; n <= 20; n++) {
        expect(await taken(session)).toEqual([`${n}:1`]);
        await ack(session, n);
      }
      expect(await rig.engine.progress("s")).toMatchObject({ settledTo: 20, lagEvents: 2_980 });
    });
  });

  describe("filter", () => {
    it("delivers what matches, and settles the rest by passing it", async () => {
      await using rig = await start();
      const filter = create(EventFilterSchema, { types: [EventType.SEEN_REPORT] });
      await rig.create({ filter });
      const typeOf = (n: number) => (n % 100 === 0 ? EventType.SEEN_REPORT : EventType.CLICK);
      await rig.log.append(
        Array.from({ length: 5_000 }, (_, i) => sampleEvent(i + 1, { rank: 0, type: typeOf(i + 1) })),
      );
      const session = rig.join();
      const seen: string[] = [];
      for (let part = await taken(session); part.length > 0; part = await taken(session)) seen.push(...part);
      expect(seen).toEqual(Array.from({ length: 50 }, (_, i) => `${(i + 1) * 100}:1`));
      await session.settle({ ackIds: [], ackThrough: 5_000, nacks: [] });
      expect(await session.progress()).toMatchObject({ settledTo: 5_000, lagEvents: 0, blocked: undefined });
    });

    it("leaves out nothing that matches, however little is taken at a time", async () => {
      await using rig = await start();
      const messageIds = Array.from({ length: 40 }, (_, i) => `m-${i + 1}`);
      await rig.create({ filter: create(EventFilterSchema, { messageIds }) });
      await rig.log.append(sampleEvents(1, 60));
      const session = rig.join();
      const seen: string[] = [];
      for (let n = 0; n < 20; n++) seen.push(...(await taken(session, { maxEvents: 1 + (n % 3) })));
      for (let n = 0; n < 3; n++) seen.push(...(await taken(session, { maxBytes: 1 })));
      expect(seen).toEqual(firstOf(1, 40));
    });

    it("refuses a filter that can never match, before anything is stored", async () => {
      await using rig = await start();
      const filter = create(EventFilterSchema, { types: [EventType.CLICK], finalOnly: true });
      await expect(rig.create({ filter })).rejects.toMatchObject({ reason: "FILTER_INERT" });
      expect(rig.engine.list("", 10)).toEqual([]);
      await rig.create();
      await expect(rig.engine.update("s", { filter })).rejects.toMatchObject({ reason: "FILTER_INERT" });
      expect(rig.engine.get("s").settings.filter).toBeUndefined();
    });
  });
}
