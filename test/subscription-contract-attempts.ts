import { describe, expect, it } from "vitest";
import { sampleEvent, sampleEvents } from "./event-log-samples.ts";
import {
  ack,
  LEASE_MS,
  nack,
  type SubscriptionRig,
  TAKE_ALL,
  taken,
  unavailable,
} from "./subscription-harness.ts";

/** What counts as a failed delivery, the waits that follow it, and leases. */
export function describeAttempts(start: () => Promise<SubscriptionRig>): void {
  describe("attempts", () => {
    it("counts a refusal, the end of a lease and a broken connection, once each", async () => {
      await using rig = await start();
      await rig.create();
      await rig.log.append(sampleEvents(1, 1));
      const first = rig.join();
      expect(await taken(first)).toEqual(["1:1"]);
      await nack(first, [1]);
      expect(await taken(first)).toEqual(["1:2"]);
      await first.end("CONNECTION_LOST");
      await first.end("CONNECTION_LOST");
      const second = rig.join();
      expect(await taken(second)).toEqual(["1:3"]);
      rig.timer.advance(LEASE_MS);
      expect(second.ended.reason).toMatchObject({ reason: "SESSION_EXPIRED" });
      await rig.settled();
      expect(await taken(rig.join())).toEqual(["1:4"]);
    });

    it("counts nothing when the consumer leaves, the service drains or is restarted", async () => {
      await using rig = await start();
      await rig.create();
      await rig.log.append(sampleEvents(1, 1));
      const first = rig.join();
      await taken(first);
      await first.end("LEFT");
      const second = rig.join();
      expect(await taken(second)).toEqual(["1:1"]);
      second.release([1, 99]);
      expect(await taken(second)).toEqual(["1:1"]);
      await rig.engine.drain();
      expect(second.ended.reason).toMatchObject({ reason: "DRAINING" });
      await rig.restart();
      expect(await taken(rig.join())).toEqual(["1:1"]);
      await rig.restart();
      expect(await taken(rig.join())).toEqual(["1:1"]);
    });

    it("settles in the order of the calls, also when one waits for the call before", async () => {
      await using rig = await start();
      await rig.create();
      await rig.log.append(sampleEvents(1, 2));
      const session = rig.join();
      await taken(session);
      const [first, second, third] = await Promise.all([
        ack(session, 1),
        ack(session, 1, 2),
        nack(session, [2]),
      ]);
      expect(first).toMatchObject({ acked: 1, failures: [] });
      expect(second).toMatchObject({ acked: 1, failures: [{ eventId: "e-1", reason: "NOT_HELD" }] });
      expect(third).toMatchObject({ nacked: 0, failures: [{ eventId: "e-2", reason: "NOT_HELD" }] });
    });

    it("counts only what was still held", async () => {
      await using rig = await start();
      await rig.create();
      await rig.log.append(sampleEvents(1, 4));
      const session = rig.join();
      await taken(session, { maxEvents: 3 });
      await ack(session, 2);
      await session.end("CONNECTION_LOST");
      expect(await taken(rig.join())).toEqual(["1:2", "3:2", "4:1"]);
    });

    it("delivers again only when the failure is stored", async () => {
      await using rig = await start();
      await rig.create();
      await rig.log.append(sampleEvents(1, 2));
      const lost = rig.join();
      const other = rig.join();
      expect(await taken(lost, { maxEvents: 1 })).toEqual(["1:1"]);
      rig.failCommits(true);
      await lost.end("CONNECTION_LOST");
      expect(await taken(other)).toEqual(["2:1"]);
      expect(await other.progress()).toMatchObject({ blocked: "LOG_UNAVAILABLE", waiting: 1 });
      rig.timer.advance(1_000);
      await rig.settled();
      expect(await taken(other)).toEqual([]);
      rig.failCommits(false);
      const work = other.waitForWork(new AbortController().signal);
      rig.timer.advance(1_000);
      await work;
      expect(await taken(other)).toEqual(["1:2"]);
      expect(await other.progress()).toMatchObject({ blocked: undefined, waiting: 0 });
    });

    it("doubles the wait with each failure up to the longest, and takes over at once after a first loss", async () => {
      await using rig = await start();
      await rig.create({ minBackoffMs: 1_000, maxBackoffMs: 3_000 });
      await rig.log.append(sampleEvents(1, 2));
      const session = rig.join();
      expect(await taken(session)).toEqual(["1:1", "2:1"]);
      await ack(session, 2);
      for (const [failures, waitMs] of [1_000, 2_000, 3_000, 3_000].entries()) {
        await nack(session, [1]);
        rig.timer.advance(waitMs - 1);
        expect(await taken(session)).toEqual([]);
        rig.timer.advance(1);
        expect(await taken(session)).toEqual([`1:${failures + 2}`]);
        session.renew();
      }
      await rig.log.append(sampleEvents(3, 3));
      await taken(session);
      await session.end("CONNECTION_LOST");
      const next = rig.join();
      expect(await taken(next)).toEqual(["3:2"]);
      await next.end("CONNECTION_LOST");
      const last = rig.join();
      expect(await taken(last)).toEqual([]);
      rig.timer.advance(2_000);
      expect(await taken(last)).toEqual(["3:3"]);
    });

    it("waits as long as a refusal asks for, also not at all", async () => {
      await using rig = await start();
      await rig.create({ minBackoffMs: 1_000, maxBackoffMs: 1_000 });
      await rig.log.append(sampleEvents(1, 2));
      const session = rig.join();
      await taken(session);
      const nacks = [
        { ids: ["e-1"], delayMs: 0 },
        { ids: ["e-2"], delayMs: 7_000 },
      ];
      expect(await session.settle({ ackIds: [], nacks })).toMatchObject({ nacked: 2, failures: [] });
      expect(await taken(session)).toEqual(["1:2"]);
      rig.timer.advance(6_999);
      expect(await taken(session)).toEqual([]);
      const work = session.waitForWork(new AbortController().signal);
      rig.timer.advance(1);
      await work;
      expect(await taken(session)).toEqual(["2:2"]);
    });
  });

  describe("leases", () => {
    it("renews with each settlement and each call for it, by another length once", async () => {
      await using rig = await start();
      await rig.create();
      const session = rig.join();
      expect(session.leaseExpiresAtMs).toBe(rig.timer.wallClock() + LEASE_MS);
      rig.timer.advance(LEASE_MS - 1);
      await ack(session, 1);
      rig.timer.advance(LEASE_MS - 1);
      session.renew(100_000);
      rig.timer.advance(99_999);
      expect(session.ended.aborted).toBe(false);
      session.renew();
      expect(session.leaseExpiresAtMs).toBe(rig.timer.wallClock() + LEASE_MS);
      rig.timer.advance(LEASE_MS);
      expect(session.ended.reason).toMatchObject({ reason: "SESSION_EXPIRED", code: 10 });
      await expect(ack(session, 1)).rejects.toMatchObject({ reason: "SESSION_EXPIRED" });
      await expect(session.take(TAKE_ALL)).rejects.toMatchObject({ reason: "SESSION_EXPIRED" });
      expect(() => rig.engine.session("s", session.id)).toThrow(/open a new one/);
      expect(await rig.engine.progress("s")).toMatchObject({ consumers: 0 });
    });

    it("does not run out while it is held, and runs anew afterwards", async () => {
      await using rig = await start();
      await rig.create();
      const session = rig.join();
      const holds = [session.hold(), session.hold()];
      rig.timer.advance(10 * LEASE_MS);
      holds[0]?.[Symbol.dispose]();
      holds[0]?.[Symbol.dispose]();
      rig.timer.advance(10 * LEASE_MS);
      expect(rig.engine.session("s", session.id)).toBe(session);
      holds[1]?.[Symbol.dispose]();
      rig.timer.advance(LEASE_MS - 1);
      expect(session.ended.aborted).toBe(false);
      rig.timer.advance(1);
      expect(session.ended.aborted).toBe(true);
    });

    it("lets an acknowledgement that is being stored win over the end of its session", async () => {
      await using rig = await start();
      await rig.create();
      await rig.log.append(sampleEvents(1, 2));
      const session = rig.join();
      await taken(session);
      const stored = Promise.withResolvers<void>();
      rig.beforeCommit = () => stored.promise;
      const acked = ack(session, 1);
      await rig.settled();
      rig.timer.advance(LEASE_MS);
      stored.resolve();
      expect(await acked).toEqual({ acked: 1, nacked: 0, failures: [] });
      await rig.settled();
      expect(await taken(rig.join())).toEqual(["2:2"]);
    });

    it("counts what an acknowledgement that could not be stored left to a session that has ended", async () => {
      await using rig = await start();
      await rig.create();
      await rig.log.append(sampleEvents(1, 1));
      const session = rig.join();
      await taken(session);
      const stored = Promise.withResolvers<void>();
      rig.beforeCommit = () => stored.promise;
      const acked = ack(session, 1);
      await rig.settled();
      rig.timer.advance(LEASE_MS);
      rig.beforeCommit = () => {};
      stored.reject(unavailable());
      expect(await acked).toMatchObject({ acked: 0, failures: [{ reason: "LOG_UNAVAILABLE" }] });
      await rig.settled();
      expect(await taken(rig.join())).toEqual(["1:2"]);
    });

    it("wakes those who wait when a session ends", async () => {
      await using rig = await start();
      await rig.create({}, 0);
      await rig.log.append([sampleEvent(1)]);
      const [one, two] = [rig.join(), rig.join()];
      await taken(one);
      const wait = two.waitForWork(new AbortController().signal);
      await one.end("LEFT");
      await wait;
      expect(await taken(two)).toEqual(["1:1"]);
      const idle = two.waitForWork(new AbortController().signal);
      await two.end("LEFT");
      await idle;
      await two.waitForWork(AbortSignal.abort());
    });
  });
}
