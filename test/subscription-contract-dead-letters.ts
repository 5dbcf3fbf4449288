import { describe, expect, it } from "vitest";
import type { DeadLetterRecord } from "../src/eventlog/subscription-engine.ts";
import { decodeEvent, sampleEvent, sampleEvents } from "./event-log-samples.ts";
import { ack, LEASE_MS, nack, type SubscriptionRig, taken } from "./subscription-harness.ts";

const LIST_ALL = { limit: 100, maxBytes: 1 << 20, includeRaw: true };

/** Events that have failed for the last time, and what becomes of them. */
export function describeDeadLetters(start: () => Promise<SubscriptionRig>): void {
  const list = async (rig: SubscriptionRig): Promise<string[]> => {
    const letters = await rig.engine.deadLetters("s", 0, LIST_ALL);
    return letters.map(
      (l: DeadLetterRecord) =>
        `${l.record.sequence} ${l.attempts} ${l.lastFailure}${l.redriven ? " redriven" : ""}`,
    );
  };

  describe("dead letters", () => {
    it("buries an event after the last failure, however it failed, and settles it", async () => {
      await using rig = await start();
      await rig.create({ maxAttempts: 2 });
      await rig.log.append(sampleEvents(1, 3));
      const one = rig.join();
      await taken(one);
      await nack(one, [1, 2, 3]);
      expect(await taken(one)).toEqual(["1:2", "2:2", "3:2"]);
      rig.timer.advance(10);
      const deadTimeMs = rig.timer.wallClock();
      expect(await nack(one, [2])).toEqual({ acked: 0, nacked: 1, failures: [] });
      await ack(one, 3);
      await one.end("CONNECTION_LOST");
      expect(await list(rig)).toEqual(["1 2 CONNECTION_LOST", "2 2 NACK"]);
      const [, second] = await rig.engine.deadLetters("s", 1, LIST_ALL).then((l) => [undefined, ...l]);
      expect(second?.deadTimeMs).toBe(deadTimeMs);
      expect(second && decodeEvent(second.record).id).toBe("e-2");
      expect(await rig.engine.progress("s")).toMatchObject({ settledTo: 3, lagEvents: 0, deadLetters: 2 });
      expect(await taken(rig.join())).toEqual([]);
    });

    it("counts the end of a lease as the last failure", async () => {
      await using rig = await start();
      await rig.create({ maxAttempts: 1 });
      await rig.log.append(sampleEvents(1, 1));
      await taken(rig.join());
      rig.timer.advance(LEASE_MS);
      await rig.settled();
      expect(await list(rig)).toEqual(["1 1 LEASE_EXPIRED"]);
    });

    it("redrives those that are named, with attempts counted anew, until they are acknowledged", async () => {
      await using rig = await start();
      await rig.create({ maxAttempts: 1 });
      await rig.log.append(sampleEvents(1, 3));
      const session = rig.join();
      await taken(session);
      await nack(session, [1, 2, 3]);
      await expect(rig.engine.redrive("s", [1, 4])).rejects.toMatchObject({ reason: "DEAD_LETTER_UNKNOWN" });
      expect(await taken(session)).toEqual([]);
      expect(await rig.engine.redrive("s", [3, 1, 3])).toBe(2);
      expect(await rig.engine.redrive("s", [1])).toBe(0);
      expect(await list(rig)).toEqual(["1 1 NACK redriven", "2 1 NACK", "3 1 NACK redriven"]);
      expect(await rig.engine.progress("s")).toMatchObject({ settledTo: 3, lagEvents: 2, waiting: 2 });
      expect(await taken(session)).toEqual(["1:1", "3:1"]);
      await ack(session, 3);
      await nack(session, [1]);
      expect(await list(rig)).toEqual(["1 1 NACK", "2 1 NACK"]);
      expect(await rig.engine.redrive("s", "all")).toBe(2);
      expect(await taken(session)).toEqual(["1:1", "2:1"]);
      await ack(session, 1, 2);
      expect(await list(rig)).toEqual([]);
      expect(await rig.engine.progress("s")).toMatchObject({ deadLetters: 0, lagEvents: 0 });
    });

    it("delivers redriven dead letters that the log has lost", async () => {
      await using rig = await start();
      await rig.create({ maxAttempts: 1 });
      await rig.log.append(sampleEvents(1, 2));
      const session = rig.join();
      await taken(session);
      await nack(session, [1]);
      await ack(session, 2);
      await rig.storage.removeThrough(2);
      await rig.engine.redrive("s", "all");
      const { deliveries, gap } = await session.take({ maxEvents: 9, maxBytes: 1 << 20, includeRaw: true });
      expect(deliveries.map(({ record }) => decodeEvent(record).id)).toEqual(["e-1"]);
      expect(gap).toBeUndefined();
    });

    it("keeps redriven ones, and how they fared, over a restart and a crash", async () => {
      await using rig = await start();
      await rig.create({ maxAttempts: 1 });
      await rig.log.append(sampleEvents(1, 3));
      const session = rig.join();
      await taken(session);
      await nack(session, [1, 2, 3]);
      await rig.engine.update("s", { maxAttempts: 5 });
      await rig.engine.redrive("s", [1, 2]);
      await taken(session);
      await nack(session, [2]);
      await rig.restart();
      const again = rig.join();
      expect(await taken(again)).toEqual(["1:1", "2:2"]);
      await ack(again, 1);
      await rig.crash();
      expect(await taken(rig.join())).toEqual(["2:2"]);
      expect(await list(rig)).toEqual(["2 1 NACK redriven", "3 1 NACK"]);
    });

    it("holds no redriven event beside another one of its message", async () => {
      await using rig = await start();
      await rig.create({ maxAttempts: 1 });
      await rig.log.append([1, 2, 3].map((n) => sampleEvent(n, { messageId: "a" })));
      const session = rig.join();
      await taken(session);
      await nack(session, [1]);
      expect(await taken(session)).toEqual(["2:1"]);
      await rig.engine.redrive("s", "all");
      expect(await taken(session)).toEqual([]);
      await ack(session, 2);
      expect(await taken(session)).toEqual(["1:1"]);
      expect(await taken(session)).toEqual([]);
      await ack(session, 1);
      expect(await taken(session)).toEqual(["3:1"]);
    });

    it("delivers a redriven event before a later one of its message that comes back", async () => {
      await using rig = await start();
      await rig.create({ maxAttempts: 2 });
      await rig.log.append([1, 2].map((n) => sampleEvent(n, { messageId: "a" })));
      const session = rig.join();
      for (let n = 0; n < 2; n++) {
        await taken(session);
        await nack(session, [1]);
      }
      expect(await taken(session)).toEqual(["2:1"]);
      await rig.engine.redrive("s", "all");
      expect(await taken(session)).toEqual([]);
      await nack(session, [2]);
      expect(await taken(session)).toEqual(["1:1"]);
      await ack(session, 1);
      expect(await taken(session)).toEqual(["2:2"]);
    });

    it("tells a gap instead when retention has taken the event before it could be buried", async () => {
      await using rig = await start();
      await rig.create({ maxAttempts: 1 });
      await rig.log.append(sampleEvents(1, 3));
      const session = rig.join();
      await taken(session);
      await rig.storage.removeThrough(2);
      await nack(session, [2]);
      expect(await list(rig)).toEqual([]);
      const { gap } = await session.take({ maxEvents: 1, maxBytes: 1, includeRaw: false });
      expect(gap).toEqual({ from: 1, to: 2 });
      expect(await session.progress()).toMatchObject({ deadLetters: 0, inFlight: 2 });
    });

    it("takes an event that is a dead letter already, as it comes again after a seek", async () => {
      await using rig = await start();
      await rig.create({ maxAttempts: 1 });
      await rig.log.append(sampleEvents(1, 1));
      const session = rig.join();
      await taken(session);
      await nack(session, [1]);
      await rig.engine.seek("s", 0);
      expect(await taken(session)).toEqual(["1:1"]);
      await rig.engine.redrive("s", [1]);
      await nack(session, [1]);
      expect(await list(rig)).toEqual(["1 1 NACK"]);
      expect(await taken(session)).toEqual([]);
      expect(await session.progress()).toMatchObject({ deadLetters: 1, lagEvents: 0 });
    });
  });
}
