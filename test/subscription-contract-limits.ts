import { describe, expect, it } from "vitest";
import { MAX_SESSIONS, MAX_UNSETTLED } from "../src/eventlog/subscription-engine.ts";
import { sampleEvent, sampleEvents } from "./event-log-samples.ts";
import { ack, firstOf, LEASE_MS, nack, type SubscriptionRig, taken } from "./subscription-harness.ts";

/** Limits, and what progress tells of them. */
export function describeLimits(start: () => Promise<SubscriptionRig>): void {
  describe("limits and progress", () => {
    it("keeps to what all sessions and what one session may hold, and tells which it was", async () => {
      await using rig = await start();
      await rig.create({ maxInFlight: 5 });
      await rig.log.append(sampleEvents(1, 8));
      expect(await rig.engine.progress("s")).toMatchObject({ blocked: "NO_CONSUMER", consumers: 0 });
      const small = rig.join({ maxOutstanding: 2 });
      const large = rig.join();
      expect(await small.progress()).toMatchObject({ blocked: undefined, consumers: 2 });
      expect(await taken(small)).toEqual(firstOf(1, 2));
      expect(await small.progress()).toMatchObject({ blocked: "MAX_OUTSTANDING" });
      expect(await large.progress()).toMatchObject({ blocked: undefined });
      expect(await taken(large)).toEqual(firstOf(3, 5));
      expect(await large.progress()).toMatchObject({ blocked: "MAX_IN_FLIGHT", inFlight: 5, lagEvents: 8 });
      expect(await rig.engine.progress("s")).toMatchObject({ blocked: "MAX_IN_FLIGHT" });
      const wait = large.waitForWork(new AbortController().signal);
      await ack(small, 1);
      await wait;
      expect(await taken(large)).toEqual(firstOf(6, 6));
    });

    it("tells what waits for a delay and what for an earlier event of its message", async () => {
      await using rig = await start();
      await rig.create();
      await rig.log.append([1, 2].map((n) => sampleEvent(n, { messageId: "a" })));
      const session = rig.join();
      await taken(session);
      expect(await session.progress()).toMatchObject({ blocked: "ORDER", inFlight: 1, waiting: 1 });
      await nack(session, [1], 1_000);
      expect(await session.progress()).toMatchObject({ blocked: "BACKOFF", inFlight: 0, waiting: 2 });
      rig.timer.advance(1_000);
      expect(await session.progress()).toMatchObject({ blocked: undefined });
      await taken(session);
      await ack(session, 1);
      await taken(session);
      expect(await session.progress()).toMatchObject({ blocked: undefined, inFlight: 1, waiting: 0 });
    });

    it("tells how old the oldest event is that is not settled", async () => {
      await using rig = await start();
      await rig.create();
      expect(await rig.engine.progress("s")).toMatchObject({ oldestTimeMs: undefined, head: 0 });
      await rig.log.append(sampleEvents(1, 1));
      await rig.log.append(sampleEvents(2, 2));
      const [first, second] = [await rig.log.recordTimeAfter(0), await rig.log.recordTimeAfter(1)];
      const session = rig.join();
      expect((await session.progress()).oldestTimeMs).toBe(first);
      await taken(session);
      expect((await session.progress()).oldestTimeMs).toBe(first);
      await ack(session, 1);
      expect((await session.progress()).oldestTimeMs).toBe(second);
      await ack(session, 2);
      expect(await session.progress()).toMatchObject({ oldestTimeMs: undefined, lagEvents: 0, settledTo: 2 });
    });

    it("examines no more of the log while too many events wait", { timeout: 60_000 }, async () => {
      await using rig = await start();
      await rig.create();
      const total = MAX_UNSETTLED + 10;
      for (let n = 0; n < total; n += 1_005) {
        const some = Array.from({ length: Math.min(1_005, total - n) }, (_, i) => n + i + 1);
        await rig.log.append(some.map((i) => sampleEvent(i, { rank: 0, messageId: i < total ? "a" : "b" })));
      }
      const session = rig.join();
      expect(await taken(session)).toEqual(["1:1"]);
      expect(await taken(session)).toEqual([]);
      expect(await session.progress()).toMatchObject({
        blocked: "TOO_MANY_WAITING",
        waiting: MAX_UNSETTLED - 1,
        lagEvents: total,
      });
      for (let n = 1; n <= 11; n++) {
        await ack(session, n);
        expect((await taken(session))[0]).toBe(`${n + 1}:1`);
      }
      expect(await session.progress()).toMatchObject({ blocked: "ORDER", inFlight: 2, settledTo: 11 });
    });

    it("opens at most a thousand sessions, and none while it drains", async () => {
      await using rig = await start();
      await rig.create();
      const sessions = Array.from({ length: MAX_SESSIONS }, () => rig.join());
      expect(new Set(sessions.map(({ id }) => id)).size).toBe(MAX_SESSIONS);
      expect(() => rig.join()).toThrow(/wait for their leases/);
      await sessions[7]?.end("LEFT");
      const last = rig.join();
      rig.timer.advance(LEASE_MS);
      expect(last.ended.aborted).toBe(true);
      rig.join();
      await rig.engine.drain();
      expect(() => rig.join()).toThrow(/about to stop/);
    });

    it("wakes a session that waits when the log grows, and shares what comes", async () => {
      await using rig = await start();
      await rig.create();
      const sessions = [rig.join(), rig.join(), rig.join(), rig.join()];
      const counts = await Promise.all(
        sessions.map(async (session, i) => {
          if (i === 0) setImmediate(() => void rig.log.append(sampleEvents(1, 400)));
          await session.waitForWork(new AbortController().signal);
          return (await taken(session)).length;
        }),
      );
      expect(Math.min(...counts)).toBeGreaterThanOrEqual(20);
    });

    it("wakes no more sessions than there is work, and none in vain for good", async () => {
      await using rig = await start();
      await rig.create();
      const idle = Array.from({ length: 20 }, () => rig.join());
      let woken = 0;
      const waits = idle.map((session) =>
        session.waitForWork(new AbortController().signal).then(async () => {
          woken++;
          return taken(session);
        }),
      );
      await rig.log.append(sampleEvents(1, 1));
      expect(await Promise.race(waits)).toEqual(["1:1"]);
      expect(woken).toBe(1);
      await rig.log.append(sampleEvents(2, 20));
      expect((await Promise.all(waits)).flat()).toHaveLength(20 + (woken - 20));
    });

    it("wakes another session when the one that was woken does not come", async () => {
      await using rig = await start();
      await rig.create();
      const [lazy, eager] = [rig.join(), rig.join()];
      const waits = [lazy, eager].map((session) => session.waitForWork(new AbortController().signal));
      await rig.log.append(sampleEvents(1, 1));
      await Promise.all(waits);
      expect(await taken(eager)).toEqual(["1:1"]);
    });
  });
}
