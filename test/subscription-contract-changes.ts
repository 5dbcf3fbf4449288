import { create } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { EventFilterSchema } from "../gen/infobip/events/v1/event_filter_pb.js";
import { EventType } from "../gen/infobip/events/v1/event_pb.js";
import { MAX_SUBSCRIPTIONS } from "../src/eventlog/subscription-engine.ts";
import { sampleEvent, sampleEvents } from "./event-log-samples.ts";
import {
  ack,
  FREE_SETTINGS,
  firstOf,
  nack,
  type SubscriptionRig,
  TAKE_ALL,
  taken,
} from "./subscription-harness.ts";

/** Creating, changing, seeking and deleting. */
export function describeChanges(start: () => Promise<SubscriptionRig>): void {
  const unknown = { reason: "SUBSCRIPTION_UNKNOWN" };

  describe("subscriptions", () => {
    it("creates, finds and lists them, and refuses a second one of a name", async () => {
      await using rig = await start();
      const createTimeMs = rig.timer.wallClock();
      const record = await rig.engine.create("b", FREE_SETTINGS, 0);
      expect(record).toEqual({
        id: "b",
        settings: FREE_SETTINGS,
        createTimeMs,
        updateTimeMs: createTimeMs,
        filterFrom: 0,
      });
      await expect(rig.engine.create("b", FREE_SETTINGS, 0)).rejects.toMatchObject({
        reason: "SUBSCRIPTION_EXISTS",
      });
      const both = await Promise.allSettled([
        rig.engine.create("c", FREE_SETTINGS, 0),
        rig.engine.create("c", FREE_SETTINGS, 0),
      ]);
      expect(both.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
      await rig.engine.create("a", FREE_SETTINGS, 0);
      const names = (after: string, limit: number) => rig.engine.list(after, limit).map(({ id }) => id);
      expect([names("", 2), names("b", 2), names("aa", 9)]).toEqual([["a", "b"], ["c"], ["b", "c"]]);
      expect(rig.engine.get("b")).toEqual(record);
      expect(() => rig.engine.get("x")).toThrow(/create it/);
      await expect(rig.engine.progress("x")).rejects.toMatchObject(unknown);
      await expect(rig.engine.deadLetters("x", 0, { ...TAKE_ALL, limit: 1 })).rejects.toMatchObject(unknown);
    });

    it("keeps at most a thousand", async () => {
      await using rig = await start();
      const ids = Array.from({ length: MAX_SUBSCRIPTIONS }, (_, i) => `s-${i}`);
      await Promise.all(ids.map((id) => rig.engine.create(id, FREE_SETTINGS, 0)));
      const limit = { reason: "SUBSCRIPTION_LIMIT" };
      await expect(rig.engine.create("more", FREE_SETTINGS, 0)).rejects.toMatchObject(limit);
      await rig.engine.delete("s-5");
      await rig.engine.create("more", FREE_SETTINGS, 0);
    });

    it("ends the sessions of a deleted one, forgets its dead letters, and lets it be created anew", async () => {
      await using rig = await start();
      await rig.create({ maxAttempts: 1 });
      await rig.log.append(sampleEvents(1, 3));
      const session = rig.join();
      await taken(session);
      await nack(session, [1]);
      const wait = session.waitForWork(new AbortController().signal);
      await rig.engine.delete("s");
      await wait;
      expect(session.ended.reason).toMatchObject({ reason: "SUBSCRIPTION_CHANGED", code: 10 });
      await expect(session.take(TAKE_ALL)).rejects.toMatchObject({ reason: "SUBSCRIPTION_CHANGED" });
      await expect(rig.engine.delete("s")).rejects.toMatchObject(unknown);
      await rig.create({}, 3);
      await rig.restart();
      expect(await rig.engine.progress("s")).toMatchObject({ lagEvents: 0, deadLetters: 0, settledTo: 3 });
    });

    it("judges by a changed filter what was not examined yet, and nothing else", async () => {
      await using rig = await start();
      const clicks = create(EventFilterSchema, { types: [EventType.CLICK] });
      await rig.create({ filter: clicks });
      await rig.log.append([sampleEvent(1, { type: EventType.CLICK }), sampleEvent(2)]);
      const session = rig.join();
      expect(await taken(session)).toEqual(["1:1"]);
      await taken(session);
      rig.timer.advance(5);
      const record = await rig.engine.update("s", { filter: undefined, maxInFlight: 500 });
      expect(record).toMatchObject({ filterFrom: 2, updateTimeMs: rig.timer.wallClock() });
      expect(record.settings).toEqual({ ...FREE_SETTINGS, maxInFlight: 500 });
      await rig.log.append([sampleEvent(3)]);
      expect(await taken(session)).toEqual(["3:1"]);
      const none = create(EventFilterSchema, { messageIds: ["nobody"] });
      await rig.engine.update("s", { filter: none });
      await nack(session, [1, 3]);
      expect(await taken(session)).toEqual(["1:2", "3:2"]);
      expect((await rig.engine.update("s", { maxAttempts: 7 })).filterFrom).toBe(3);
    });

    it("lets changed limits hold at once", async () => {
      await using rig = await start();
      await rig.create({ maxInFlight: 2 });
      await rig.log.append(sampleEvents(1, 5));
      const session = rig.join();
      expect(await taken(session)).toEqual(firstOf(1, 2));
      const wait = session.waitForWork(new AbortController().signal);
      await rig.engine.update("s", { maxInFlight: 3 });
      await wait;
      expect(await taken(session)).toEqual(firstOf(3, 3));
    });
  });

  describe("seek", () => {
    it("goes back and forgets attempts, delays and what is held", async () => {
      await using rig = await start();
      await rig.create();
      await rig.log.append(sampleEvents(1, 4));
      const session = rig.join();
      await taken(session);
      await ack(session, 1, 2);
      await nack(session, [3], 60_000);
      await rig.engine.seek("s", 1);
      const notHeld = { eventId: "e-4", reason: "NOT_HELD" };
      expect(await ack(session, 4)).toEqual({ acked: 0, nacked: 0, failures: [notHeld] });
      expect(await session.progress()).toMatchObject({ settledTo: 1, lagEvents: 3, inFlight: 0, waiting: 0 });
      expect(await taken(session)).toEqual(firstOf(2, 4));
      await session.settle({ ackIds: [], ackThrough: 4, nacks: [] });
      expect(await session.progress()).toMatchObject({ settledTo: 4, lagEvents: 0 });
    });

    it("goes forward, also for a session that waits, and holds after a crash", async () => {
      await using rig = await start();
      await rig.create({ maxInFlight: 1 });
      await rig.log.append(sampleEvents(1, 9));
      const session = rig.join();
      await taken(session);
      const wait = session.waitForWork(new AbortController().signal);
      const record = await rig.engine.seek("s", 7);
      await wait;
      expect(record).toEqual(rig.engine.get("s"));
      expect(await taken(session)).toEqual(firstOf(8, 8));
      await rig.crash();
      expect(await taken(rig.join())).toEqual(firstOf(8, 8));
    });

    it("keeps dead letters, and delivers again those that were redriven", async () => {
      await using rig = await start();
      await rig.create({ maxAttempts: 1 });
      await rig.log.append(sampleEvents(1, 3));
      const session = rig.join();
      await taken(session);
      await nack(session, [1, 2]);
      await rig.engine.redrive("s", [1]);
      expect(await taken(session)).toEqual(["1:1"]);
      await rig.engine.seek("s", 3);
      expect(await session.progress()).toMatchObject({ deadLetters: 2, inFlight: 0, lagEvents: 1 });
      expect(await ack(session, 1, 3)).toMatchObject({ acked: 0 });
      expect(await taken(session)).toEqual(["1:1"]);
      await ack(session, 1);
      expect(await session.progress()).toMatchObject({ deadLetters: 1, lagEvents: 0, settledTo: 3 });
    });

    it("comes after the acknowledgements before it and wins over those after it", async () => {
      await using rig = await start();
      await rig.create();
      await rig.log.append(sampleEvents(1, 9));
      const session = rig.join();
      await taken(session, { maxEvents: 4 });
      const stored = Promise.withResolvers<void>();
      rig.beforeCommit = () => stored.promise;
      const acks = [ack(session, 1)];
      await rig.settled();
      acks.push(ack(session, 2));
      const sought = rig.engine.seek("s", 5);
      await rig.settled();
      acks.push(ack(session, 3));
      stored.resolve();
      await sought;
      expect((await Promise.all(acks)).map(({ acked }) => acked)).toEqual([1, 1, 0]);
      await rig.crash();
      expect(await taken(rig.join())).toEqual(firstOf(6, 9));
    });
  });

  describe("changes that are being stored", () => {
    it("let no event be judged by the filter before", async () => {
      await using rig = await start();
      await rig.create();
      const session = rig.join();
      const stored = Promise.withResolvers<void>();
      rig.beforeCommit = () => stored.promise;
      const filter = create(EventFilterSchema, { messageIds: ["m-2"] });
      const updated = rig.engine.update("s", { filter });
      await rig.settled();
      await rig.log.append(sampleEvents(1, 3));
      const take = taken(session);
      await rig.settled();
      stored.resolve();
      expect((await updated).filterFrom).toBe(0);
      expect(await take).toEqual(["2:1"]);
    });
  });
}
