import { create } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { EventFilterSchema } from "../gen/infobip/events/v1/event_filter_pb.js";
import { EventType } from "../gen/infobip/events/v1/event_pb.js";
import { sampleEvent, sampleEvents } from "./event-log-samples.ts";
import { ack, nack, type SubscriptionRig, TAKE_ALL, taken } from "./subscription-harness.ts";

/** Restarts, crashes, commits that fail, and events that retention takes. */
export function describeRecovery(start: () => Promise<SubscriptionRig>): void {
  describe("restarts", () => {
    it("delivers after a crash exactly what was not acknowledged, with its attempts", async () => {
      await using rig = await start();
      await rig.create();
      await rig.log.append(sampleEvents(1, 10));
      const session = rig.join();
      await taken(session, { maxEvents: 8 });
      await ack(session, 1, 2, 4, 8);
      await nack(session, [6]);
      await taken(session);
      await rig.crash();
      const again = rig.join();
      expect(await taken(again)).toEqual(["3:1", "5:1", "6:2", "7:1", "9:1", "10:1"]);
      expect(await again.progress()).toMatchObject({ settledTo: 2, lagEvents: 6, inFlight: 6 });
    });

    it("forgets after a crash what was not confirmed", async () => {
      await using rig = await start();
      await rig.create();
      await rig.log.append(sampleEvents(1, 2));
      const session = rig.join();
      await taken(session);
      const never = Promise.withResolvers<void>();
      rig.beforeCommit = () => never.promise;
      const lost = ack(session, 1);
      await rig.settled();
      await rig.crash();
      rig.beforeCommit = () => {};
      expect(await taken(rig.join())).toEqual(["1:1", "2:1"]);
      never.resolve();
      await lost;
    });

    it("keeps settings, times, delays, order and filters of their time", async () => {
      await using rig = await start();
      const filter = create(EventFilterSchema, { types: [EventType.CLICK] });
      await rig.create({
        filter,
        maxInFlight: 7,
        maxAttempts: 9,
        minBackoffMs: 60_000,
        maxBackoffMs: 120_000,
      });
      const type = EventType.CLICK;
      await rig.log.append([
        sampleEvent(1, { type, messageId: "a" }),
        sampleEvent(2),
        sampleEvent(3, { type, messageId: "a" }),
        sampleEvent(4, { type }),
      ]);
      const session = rig.join();
      expect(await taken(session)).toEqual(["1:1", "4:1"]);
      await nack(session, [1]);
      const updated = await rig.engine.update("s", { filter: undefined });
      expect(updated.filterFrom).toBe(4);
      await rig.restart();
      expect(rig.engine.get("s")).toEqual(updated);
      await rig.log.append(sampleEvents(5, 5));
      const again = rig.join();
      expect(await taken(again)).toEqual(["4:1", "5:1"]);
      rig.timer.advance(60_000);
      expect(again.ended.aborted).toBe(true);
      await rig.settled();
      const last = rig.join();
      expect(await taken(last)).toEqual(["1:2", "4:2", "5:2"]);
      await ack(last, 1);
      expect(await taken(last)).toEqual(["3:1"]);
    });

    it("never tells a settled position again that was passed", async () => {
      await using rig = await start();
      const filter = create(EventFilterSchema, { types: [EventType.CLICK] });
      await rig.create({ filter });
      await rig.log.append(sampleEvents(1, 50));
      const session = rig.join();
      expect(await taken(session)).toEqual([]);
      const before = (await session.progress()).settledTo;
      await rig.crash();
      expect((await rig.engine.progress("s")).settledTo).toBeGreaterThanOrEqual(before);
      expect(await taken(rig.join())).toEqual([]);
      rig.timer.advance(1_000);
      await rig.settled();
      expect(await rig.engine.progress("s")).toMatchObject({ settledTo: 50, lagEvents: 0 });
      await rig.crash();
      expect(await rig.engine.progress("s")).toMatchObject({ settledTo: 50, lagEvents: 0 });
    });

    it("restores thousands of events that wait, and one that is stuck behind many", async () => {
      await using rig = await start();
      await rig.create();
      await rig.log.append(sampleEvents(1, 4_000));
      const session = rig.join();
      await taken(session);
      await ack(session, ...Array.from({ length: 3_999 }, (_, i) => i + 2));
      await rig.crash();
      const again = rig.join();
      expect(await taken(again)).toEqual(["1:1"]);
      expect(await again.progress()).toMatchObject({ settledTo: 0, lagEvents: 1 });
      await rig.engine.seek("s", 0);
      await rig.restart();
      const last = rig.join();
      const half = Array.from({ length: 2_000 }, (_, i) => i * 2 + 1);
      expect(await taken(last)).toHaveLength(4_000);
      await ack(last, ...half);
      await rig.crash();
      expect(await taken(rig.join())).toEqual(half.map((n) => `${n + 1}:1`));
    });
  });

  describe("commits that fail", () => {
    it("answers LOG_UNAVAILABLE, and the session holds the events as before", async () => {
      await using rig = await start();
      await rig.create({ maxAttempts: 2 });
      await rig.log.append(sampleEvents(1, 4));
      const session = rig.join();
      await taken(session);
      await nack(session, [3]);
      await taken(session);
      rig.failCommits(true);
      const settlement = { ackIds: ["e-1", "x"], ackThrough: 2, nacks: [{ ids: ["e-3", "e-4"] }] };
      const { acked, nacked, failures } = await session.settle(settlement);
      expect([acked, nacked]).toEqual([0, 0]);
      expect(failures.filter(({ reason }) => reason === "NOT_HELD")).toEqual([
        { eventId: "x", reason: "NOT_HELD" },
      ]);
      const unstored = failures.filter(({ reason }) => reason === "LOG_UNAVAILABLE");
      expect(unstored.map(({ eventId }) => eventId).sort()).toEqual(["e-1", "e-2", "e-3", "e-4"]);
      expect(await session.progress()).toMatchObject({
        inFlight: 4,
        deadLetters: 0,
        blocked: "LOG_UNAVAILABLE",
      });
      rig.failCommits(false);
      expect(await session.settle({ ...settlement, ackIds: [] })).toEqual({
        acked: 2,
        nacked: 2,
        failures: [],
      });
      expect(await session.progress()).toMatchObject({ settledTo: 3, deadLetters: 1, lagEvents: 1 });
      await rig.crash();
      expect(await taken(rig.join())).toEqual(["4:2"]);
    });

    it("tells nothing as settled that is not stored", async () => {
      await using rig = await start();
      await rig.create({ maxAttempts: 1 });
      await rig.log.append(sampleEvents(1, 2));
      const session = rig.join();
      await taken(session);
      await nack(session, [2]);
      rig.failCommits(true);
      expect(await ack(session, 1)).toMatchObject({ acked: 0 });
      rig.failCommits(false);
      await rig.engine.redrive("s", "all");
      expect(await session.progress()).toMatchObject({ settledTo: 0, inFlight: 1 });
    });

    it("changes nothing by a call that could not be stored", async () => {
      await using rig = await start();
      await rig.create({ maxAttempts: 1 });
      await rig.log.append(sampleEvents(1, 2));
      const session = rig.join();
      await taken(session);
      await nack(session, [1]);
      const before = rig.engine.get("s");
      rig.failCommits(true);
      const unavailable = { reason: "LOG_UNAVAILABLE" };
      await expect(rig.engine.update("s", { maxInFlight: 5 })).rejects.toMatchObject(unavailable);
      await expect(rig.engine.seek("s", 0)).rejects.toMatchObject(unavailable);
      await expect(rig.engine.redrive("s", "all")).rejects.toMatchObject(unavailable);
      await expect(rig.engine.delete("s")).rejects.toMatchObject(unavailable);
      const settings = { ...before.settings };
      await expect(rig.engine.create("t", settings, 0)).rejects.toMatchObject(unavailable);
      expect(rig.engine.list("", 10)).toEqual([before]);
      expect(await taken(session)).toEqual([]);
      rig.failCommits(false);
      expect(await ack(session, 2)).toMatchObject({ acked: 1 });
      await rig.engine.create("t", settings, 0);
    });

    it("answers an acknowledgement of what is being stored when that has ended", async () => {
      await using rig = await start();
      await rig.create();
      await rig.log.append(sampleEvents(1, 1));
      const session = rig.join();
      await taken(session);
      rig.failCommits(true);
      const [first, second] = await Promise.all([ack(session, 1), ack(session, 1)]);
      expect(first.failures).toEqual([{ eventId: "e-1", reason: "LOG_UNAVAILABLE" }]);
      expect(second.failures).toEqual([{ eventId: "e-1", reason: "LOG_UNAVAILABLE" }]);
    });

    it("stores settlements of one moment together", async () => {
      await using rig = await start();
      await rig.create();
      await rig.log.append(sampleEvents(1, 100));
      const sessions = Array.from({ length: 10 }, () => rig.join());
      for (const session of sessions) await taken(session, { maxEvents: 10 });
      let commits = 0;
      rig.beforeCommit = () => {
        commits++;
      };
      const acks = sessions.flatMap((session, s) =>
        Array.from({ length: 10 }, (_, i) => ack(session, s * 10 + i + 1)),
      );
      const results = await Promise.all(acks);
      expect(results.every(({ acked }) => acked === 1)).toBe(true);
      expect(commits).toBeLessThanOrEqual(2);
    });
  });

  describe("retention", () => {
    it("tells once what was removed before it was examined, and goes on after it", async () => {
      await using rig = await start();
      await rig.create();
      await rig.log.append(sampleEvents(1, 10));
      await rig.storage.removeThrough(6);
      const [one, two] = [rig.join(), rig.join()];
      const { deliveries, gap } = await one.take(TAKE_ALL);
      expect(gap).toEqual({ from: 0, to: 6 });
      expect(deliveries.map(({ record }) => record.sequence)).toEqual([7, 8, 9, 10]);
      expect((await two.take(TAKE_ALL)).gap).toBeUndefined();
      expect(await one.progress()).toMatchObject({ lagEvents: 4 });
    });

    it("drops what waits and is gone, and leaves alone what is held", async () => {
      await using rig = await start();
      await rig.create();
      await rig.log.append([
        sampleEvent(1, { messageId: "a" }),
        sampleEvent(2, { messageId: "a" }),
        sampleEvent(3, { messageId: "b" }),
        sampleEvent(4, { messageId: "a" }),
      ]);
      const session = rig.join();
      expect(await taken(session)).toEqual(["1:1", "3:1"]);
      await nack(session, [3], 60_000);
      await rig.storage.removeThrough(3);
      const { deliveries, gap } = await session.take(TAKE_ALL);
      expect(gap).toEqual({ from: 1, to: 3 });
      expect(deliveries).toEqual([]);
      expect(await ack(session, 1)).toMatchObject({ acked: 1 });
      expect(await taken(session)).toEqual(["4:1"]);
      await ack(session, 4);
      expect(await session.progress()).toMatchObject({ settledTo: 4, lagEvents: 0 });
    });

    it("tells a gap when a held event comes back and is gone, and when it waits over a restart", async () => {
      await using rig = await start();
      await rig.create();
      await rig.log.append(sampleEvents(1, 3));
      const session = rig.join();
      await taken(session);
      await ack(session, 3);
      await rig.storage.removeThrough(1);
      await nack(session, [1]);
      const wait = session.waitForWork(new AbortController().signal);
      await wait;
      const first = await session.take(TAKE_ALL);
      expect([first.deliveries.length, first.gap]).toEqual([0, { from: 0, to: 1 }]);
      await rig.storage.removeThrough(2);
      await rig.restart();
      const second = await rig.join().take(TAKE_ALL);
      expect([second.deliveries.length, second.gap]).toEqual([0, { from: 1, to: 2 }]);
    });
  });
}
