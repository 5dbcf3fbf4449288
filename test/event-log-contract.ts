import { getEventListeners } from "node:events";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { EventType } from "../gen/infobip/events/v1/event_pb.js";
import { ServiceError } from "../src/errors.ts";
import { encodeCursor, parseCursor } from "../src/eventlog/cursor.ts";
import type { EventLog } from "../src/eventlog/event-log.ts";
import { StatusRank } from "../src/infobip/status-rank.ts";
import { describeMessageReads } from "./event-log-message-contract.ts";
import {
  decodeEvent,
  messageIds,
  READ_ALL,
  sampleColumns,
  sampleEvent,
  sampleEvents,
} from "./event-log-samples.ts";

/** An engine under test: one storage that can be opened again and again. */
export interface EventLogHarness extends AsyncDisposable {
  /** Opens the storage; the log before must have been disposed of. */
  open(): Promise<EventLog>;
  /** Sets the clock of the log, Unix milliseconds. */
  setTime(timeMs: number): void;
  /** Does what retention would do: removes the events up to a position. */
  removeThrough(log: EventLog, position: number): Promise<void>;
}

/** What every engine behind the EventLog port must do. */
export function describeEventLogContract(engine: string, start: () => Promise<EventLogHarness>): void {
  describe(`event log contract: ${engine}`, () => {
    let harness: EventLogHarness;
    let log: EventLog;

    beforeEach(async () => {
      harness = await start();
      log = await harness.open();
    });

    afterEach(async () => {
      await log[Symbol.asyncDispose]();
      await harness[Symbol.asyncDispose]();
    });

    const reopen = async (): Promise<void> => {
      await log[Symbol.asyncDispose]();
      log = await harness.open();
    };

    describe("Ordered", () => {
      it("numbers events from 1 in the order of their appends", async () => {
        expect(log.bounds()).toEqual({ earliest: 0, head: 0 });
        await log.append(sampleEvents(1, 3));
        await log.append(sampleEvents(4, 5));
        const { records } = await log.read(0, READ_ALL);
        expect(records.map((r) => r.sequence)).toEqual([1, 2, 3, 4, 5]);
        expect(records.map((r) => r.columns.messageId)).toEqual(["m-1", "m-2", "m-3", "m-4", "m-5"]);
        expect(log.bounds()).toEqual({ earliest: 0, head: 5 });
      });

      it("keeps the order within each of many concurrent batches and loses none", async () => {
        const batches = Array.from({ length: 50 }, (_, i) => sampleEvents(i * 10 + 1, i * 10 + 10));
        const results = await Promise.all(batches.map((batch) => log.append(batch)));
        expect(results.every((r) => r.appended === 10 && r.duplicates === 0)).toBe(true);
        const ids = await messageIds(log);
        for (const batch of batches) {
          const first = ids.indexOf(batch[0]?.columns.messageId ?? "");
          expect(ids.slice(first, first + 10)).toEqual(batch.map((e) => e.columns.messageId));
        }
        expect(new Set(ids).size).toBe(500);
      });

      it("never lets record times fall, also not across a restart", async () => {
        harness.setTime(2_000_000);
        await log.append([sampleEvent(1)]);
        harness.setTime(1_000_000);
        await log.append([sampleEvent(2)]);
        await reopen();
        await log.append([sampleEvent(3)]);
        harness.setTime(2_000_001);
        await log.append([sampleEvent(4)]);
        const { records } = await log.read(0, READ_ALL);
        expect(records.map((r) => r.recordTimeMs)).toEqual([2_000_000, 2_000_000, 2_000_000, 2_000_001]);
      });

      it("never gives a sequence again, also not after removal and restart", async () => {
        await log.append(sampleEvents(1, 3));
        await harness.removeThrough(log, 3);
        expect(log.bounds()).toEqual({ earliest: 3, head: 3 });
        await reopen();
        expect(log.bounds()).toEqual({ earliest: 3, head: 3 });
        await log.append([sampleEvent(4)]);
        const { records } = await log.read(3, READ_ALL);
        expect(records.map((r) => [r.sequence, r.columns.messageId])).toEqual([[4, "m-4"]]);
      });
    });

    describe("Unique", () => {
      it("keeps the first of each message id and fingerprint and counts the rest", async () => {
        expect(await log.append(sampleEvents(1, 3))).toEqual({ appended: 3, duplicates: 0 });
        expect(await log.append(sampleEvents(2, 4))).toEqual({ appended: 1, duplicates: 2 });
        expect(await messageIds(log)).toEqual(["m-1", "m-2", "m-3", "m-4"]);
        expect(log.bounds().head).toBe(4);
      });

      it("drops a repeat within a batch", async () => {
        const batch = [sampleEvent(1), sampleEvent(2), sampleEvent(1, {}, "again")];
        expect(await log.append(batch)).toEqual({ appended: 2, duplicates: 1 });
        const { records } = await log.read(0, { ...READ_ALL, includeRaw: true });
        expect(records.map((r) => Buffer.from(decodeEvent(r).rawBody ?? []).toString())).toEqual([
          "raw 1",
          "raw 2",
        ]);
      });

      it("drops repeats across concurrent appends", async () => {
        const results = await Promise.all(Array.from({ length: 20 }, () => log.append(sampleEvents(1, 5))));
        expect(results.reduce((sum, r) => sum + r.appended, 0)).toBe(5);
        expect(results.reduce((sum, r) => sum + r.duplicates, 0)).toBe(95);
      });

      it("drops a repeat after a restart", async () => {
        await log.append([sampleEvent(1)]);
        await reopen();
        expect(await log.append([sampleEvent(1), sampleEvent(2)])).toEqual({ appended: 1, duplicates: 1 });
      });

      it("tells apart the same fingerprint of two messages and two fingerprints of one message", async () => {
        const other = { ...sampleEvent(1), columns: sampleColumns({ messageId: "other" }) };
        const second = { ...sampleEvent(2), columns: sampleColumns({ messageId: "m-1" }) };
        expect(await log.append([sampleEvent(1), other, second])).toEqual({ appended: 3, duplicates: 0 });
      });

      it("takes an empty batch", async () => {
        expect(await log.append([])).toEqual({ appended: 0, duplicates: 0 });
      });
    });

    describe("Reliable", () => {
      it("returns after a restart what it confirmed, under the same id", async () => {
        const { id } = log;
        await log.append(sampleEvents(1, 300));
        const before = await log.read(0, { ...READ_ALL, includeRaw: true });
        await reopen();
        expect(log.id).toBe(id);
        expect(id).toMatch(/^[0-9a-f]{16}$/);
        expect(log.bounds()).toEqual({ earliest: 0, head: 300 });
        const after = await log.read(0, { ...READ_ALL, includeRaw: true });
        expect(after.records.map((r) => Buffer.from(r.encoded).toString("hex"))).toEqual(
          before.records.map((r) => Buffer.from(r.encoded).toString("hex")),
        );
      });

      it("keeps every column and byte as it was given", async () => {
        const columns = sampleColumns({
          type: EventType.INBOUND_MESSAGE,
          messageId: "ž€😀",
          sender: "",
          applicationId: "nul\u0000inside",
          final: true,
          rank: StatusRank.SEEN,
          occurTimeMs: 1_777_777_777_123,
        });
        await log.append([sampleEvent(7, columns, "ž€😀")]);
        const [record] = (await log.read(0, { ...READ_ALL, includeRaw: true })).records;
        expect(record?.columns).toEqual(columns);
        expect(record && Buffer.from(decodeEvent(record).rawBody ?? []).toString()).toBe("ž€😀");
      });

      it("appends cursor, sequence and record time to the stored event, and the raw item on demand", async () => {
        harness.setTime(1_777_777_777_123);
        await log.append([sampleEvent(1)]);
        const [plain] = (await log.read(0, READ_ALL)).records;
        const [full] = (await log.read(0, { ...READ_ALL, includeRaw: true })).records;
        const event = plain && decodeEvent(plain);
        expect([plain?.superseded, event?.superseded]).toEqual([false, false]);
        expect(event).toMatchObject({
          id: "e-1",
          messageId: "m-1",
          sequence: 1n,
          cursor: encodeCursor(log.id, 1),
        });
        expect(event?.recordTime).toMatchObject({ seconds: 1_777_777_777n, nanos: 123_000_000 });
        expect(event?.rawBody).toBeUndefined();
        expect(full && Buffer.from(decodeEvent(full).rawBody ?? []).toString()).toBe("raw 1");
      });

      it("refuses reads and appends once it is closed", async () => {
        await log[Symbol.asyncDispose]();
        await expect(log.append([sampleEvent(1)])).rejects.toMatchObject({ reason: "LOG_UNAVAILABLE" });
        await expect(log.read(0, READ_ALL)).rejects.toMatchObject({ reason: "LOG_UNAVAILABLE" });
      });

      it("stores on closing what it had taken", async () => {
        const appended = Promise.all([log.append(sampleEvents(1, 50)), log.append(sampleEvents(51, 100))]);
        await log[Symbol.asyncDispose]();
        expect((await appended).map((r) => r.appended)).toEqual([50, 50]);
        log = await harness.open();
        expect(log.bounds().head).toBe(100);
      });
    });

    describe("Resumable and Bookmarkable", () => {
      it("reads exactly what follows any position", async () => {
        await log.append(sampleEvents(1, 20));
        for (let after = 0; after <= 20; after++) {
          const ids = await messageIds(log, after);
          expect(ids).toEqual(sampleEvents(after + 1, 20).map((e) => e.columns.messageId));
        }
      });

      it("reads on in pieces of any size without gap or repeat", async () => {
        await log.append(sampleEvents(1, 50));
        for (const limit of [1, 7, 50, 1_000]) {
          const seen: number[] = [];
          for (let at = 0; at < 50; ) {
            const result = await log.read(at, { ...READ_ALL, limit });
            expect(result.examinedTo).toBeGreaterThan(at);
            expect(result.records.length).toBeLessThanOrEqual(limit);
            seen.push(...result.records.map((r) => r.sequence));
            at = result.examinedTo;
          }
          expect(seen).toEqual(Array.from({ length: 50 }, (_, i) => i + 1));
        }
      });

      it("stops after the record that passes the byte limit", async () => {
        await log.append(sampleEvents(1, 10));
        const [first] = (await log.read(0, READ_ALL)).records;
        const size = first?.encoded.length ?? 0;
        const one = await log.read(0, { ...READ_ALL, maxBytes: 1 });
        expect([one.records.length, one.examinedTo]).toEqual([1, 1]);
        const two = await log.read(0, { ...READ_ALL, maxBytes: size + 1 });
        expect([two.records.length, two.examinedTo]).toEqual([2, 2]);
      });

      it("has nothing after the head", async () => {
        await log.append(sampleEvents(1, 2));
        expect(await log.read(2, READ_ALL)).toEqual({ records: [], examinedTo: 2 });
      });

      it("refuses positions that were removed, and is exact from the earliest on", async () => {
        await log.append(sampleEvents(1, 10));
        const cursor = encodeCursor(log.id, 3);
        await harness.removeThrough(log, 4);
        expect(log.bounds()).toEqual({ earliest: 4, head: 10 });
        await expect(log.read(3, READ_ALL)).rejects.toMatchObject({ reason: "CURSOR_EXPIRED" });
        expect(() => parseCursor(cursor, log)).toThrow(ServiceError);
        expect(await messageIds(log, 4)).toEqual(sampleEvents(5, 10).map((e) => e.columns.messageId));
      });

      it("finds positions by time", async () => {
        for (const [n, timeMs] of [1_000, 1_000, 3_000, 5_000].entries()) {
          harness.setTime(timeMs);
          await log.append([sampleEvent(n + 1)]);
        }
        const positions = await Promise.all(
          [0, 1_000, 1_001, 3_000, 3_001, 5_000, 5_001].map((t) => log.positionAtTime(t)),
        );
        expect(positions).toEqual([0, 0, 2, 2, 3, 3, 4]);
        const times = await Promise.all([0, 1, 2, 3, 4].map((after) => log.recordTimeAfter(after)));
        expect(times).toEqual([1_000, 1_000, 3_000, 5_000, undefined]);
      });

      it("finds positions by time after removal and in an empty log", async () => {
        expect(await log.positionAtTime(1)).toBe(0);
        harness.setTime(1_000);
        await log.append(sampleEvents(1, 3));
        harness.setTime(2_000);
        await log.append(sampleEvents(4, 6));
        await harness.removeThrough(log, 2);
        expect(await Promise.all([0, 1_500, 2_500].map((t) => log.positionAtTime(t)))).toEqual([2, 3, 6]);
      });
    });

    describe("Filtered", () => {
      it("returns only what matches and reports how far it looked", async () => {
        await log.append(sampleEvents(1, 10));
        const matches = ({ messageId }: { messageId: string }): boolean =>
          messageId === "m-3" || messageId === "m-7";
        const all = await log.read(0, { ...READ_ALL, matches });
        expect([all.records.map((r) => r.sequence), all.examinedTo]).toEqual([[3, 7], 10]);
        const piece = await log.read(3, { ...READ_ALL, limit: 3, matches });
        expect([piece.records.length, piece.examinedTo]).toEqual([0, 6]);
        const none = await log.read(0, { ...READ_ALL, matches: () => false });
        expect([none.records.length, none.examinedTo]).toEqual([0, 10]);
      });
    });

    describeMessageReads({
      log: () => log,
      reopen,
      removeThrough: (position) => harness.removeThrough(log, position),
    });

    describe("stats and health", () => {
      it("counts what is kept and says what it takes up and how long it stays", async () => {
        const empty = await log.stats();
        expect(empty.events).toBe(0);
        await log.append(Array.from({ length: 500 }, (_, n) => sampleEvent(n + 1, {}, "x".repeat(2_000))));
        const full = await log.stats();
        expect(full.events).toBe(500);
        expect(full.sizeBytes - empty.sizeBytes).toBeGreaterThanOrEqual(500 * 2_000);
        expect(full.retention.ageMs).toBeGreaterThan(0);
        expect(full.retention.bytes).toBeGreaterThan(0);
        await harness.removeThrough(log, 400);
        expect((await log.stats()).events).toBe(100);
      });

      it("is well while it is open, and not once it is closed", async () => {
        expect(log.health()).toEqual({ ok: true });
        await log[Symbol.asyncDispose]();
        expect(log.health()).toMatchObject({ ok: false, reason: expect.any(String) });
        await expect(log.stats()).rejects.toMatchObject({ reason: "LOG_UNAVAILABLE" });
      });
    });

    describe("waitPast", () => {
      it("resolves at once when the head is already past", async () => {
        await log.append(sampleEvents(1, 2));
        await log.waitPast(1, new AbortController().signal);
      });

      it("resolves with the append that passes the position, not before", async () => {
        await log.append([sampleEvent(1)]);
        let woken = false;
        const wait = log.waitPast(2, new AbortController().signal).then(() => {
          woken = true;
        });
        await log.append([sampleEvent(2)]);
        expect(woken).toBe(false);
        await log.append([sampleEvent(3)]);
        await wait;
        expect(log.bounds().head).toBe(3);
      });

      it("shows to the woken what it was woken for", async () => {
        const read = log.waitPast(0, new AbortController().signal).then(() => messageIds(log));
        await log.append([sampleEvent(1)]);
        expect(await read).toEqual(["m-1"]);
      });

      it("resolves when the signal aborts, and leaves no listener", async () => {
        const controllers = Array.from({ length: 1_000 }, () => new AbortController());
        const waits = controllers.map(({ signal }) => log.waitPast(0, signal));
        for (const controller of controllers) controller.abort();
        await Promise.all(waits);
        await log.waitPast(0, AbortSignal.abort());
        const shared = new AbortController();
        const wait = log.waitPast(0, shared.signal);
        await log.append([sampleEvent(1)]);
        await wait;
        const signals = [shared.signal, ...controllers.map((c) => c.signal)];
        expect(signals.flatMap((signal) => getEventListeners(signal, "abort"))).toEqual([]);
      });

      it("lets those who wait go when the log is closed", async () => {
        const wait = log.waitPast(0, new AbortController().signal);
        await log[Symbol.asyncDispose]();
        await wait;
      });
    });
  });
}
