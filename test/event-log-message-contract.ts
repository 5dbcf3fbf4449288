import { describe, expect, it } from "vitest";
import { Channel } from "../gen/infobip/messages/v1/channel_pb.js";
import type { EventColumns, EventLog } from "../src/eventlog/event-log.ts";
import { StatusRank } from "../src/infobip/status-rank.ts";
import { decodeEvent, READ_ALL, sampleEvent, sampleEvents } from "./event-log-samples.ts";

/** The engine under test, as these tests need it. */
export interface OpenLog {
  readonly log: () => EventLog;
  readonly reopen: () => Promise<void>;
  readonly removeThrough: (position: number) => Promise<void>;
}

const { SEND_UNKNOWN, ACCEPTED, PENDING, FAILED, DELIVERED, SEEN } = StatusRank;
const sms = (rank: number, occurTimeMs: number) => ({ channel: Channel.SMS, rank, occurTimeMs });
const rcs = (rank: number, occurTimeMs: number) => ({ channel: Channel.RCS, rank, occurTimeMs });
type News = ReturnType<typeof sms>;

/** Orders of arrival of one message's news; which of them come too late, and which tells its status. */
const ARRIVALS: readonly [name: string, news: News[], superseded: number[], status: number][] = [
  ["in order", [sms(ACCEPTED, 0), sms(PENDING, 10), sms(DELIVERED, 20), sms(SEEN, 30)], [], 4],
  ["backwards", [sms(SEEN, 30), sms(DELIVERED, 20), sms(PENDING, 10), sms(ACCEPTED, 0)], [2, 3, 4], 1],
  ["a send result last", [sms(PENDING, 10), sms(ACCEPTED, 20)], [2], 1],
  ["two of a kind, the older last", [sms(PENDING, 20), sms(PENDING, 10), sms(PENDING, 30)], [2], 3],
  ["failover in order", [sms(PENDING, 5), sms(FAILED, 10), rcs(PENDING, 20), rcs(DELIVERED, 30)], [], 4],
  ["failover, the first step last", [rcs(PENDING, 20), sms(FAILED, 10), rcs(DELIVERED, 30)], [2], 3],
  ["failover, a failure after the delivery", [rcs(DELIVERED, 20), sms(FAILED, 30)], [2], 1],
  ["failover, both steps fail", [rcs(FAILED, 20), sms(FAILED, 10), rcs(PENDING, 15)], [2, 3], 1],
  ["a refused repeat", [sms(SEND_UNKNOWN, 0), sms(ACCEPTED, 5), sms(SEND_UNKNOWN, 9)], [3], 2],
];

const about = (n: number, messageId: string, columns: Partial<EventColumns> = {}) =>
  sampleEvent(n, { messageId, ...columns });

/** What every engine must do about the events of one message. */
export function describeMessageReads({ log, reopen, removeThrough }: OpenLog): void {
  const sequencesOf = async (messageId: string, after = 0): Promise<number[]> =>
    (await log().readMessage(messageId, after, READ_ALL)).records.map((record) => record.sequence);

  describe.each(ARRIVALS)("superseded: %s", (_, news, superseded, status) => {
    const expectMarks = async (): Promise<void> => {
      const { records } = await log().read(0, READ_ALL);
      expect(records.flatMap((r) => (r.superseded ? [r.sequence] : []))).toEqual(superseded);
      expect(records.map((r) => decodeEvent(r).superseded)).toEqual(records.map((r) => r.superseded));
      expect((await log().statusOf("m"))?.sequence).toBe(status);
    };

    it("in batches of their own, and after a restart", async () => {
      for (const [n, columns] of news.entries()) await log().append([about(n + 1, "m", columns)]);
      await expectMarks();
      await reopen();
      await expectMarks();
    });

    it("in one batch", async () => {
      await log().append(news.map((columns, n) => about(n + 1, "m", columns)));
      await expectMarks();
    });
  });

  describe("superseded", () => {
    it("is never an event that tells no status, of another message, or without a message id", async () => {
      await log().append([
        about(1, "m", sms(SEEN, 30)),
        about(2, "m", sms(StatusRank.NONE, 10)),
        about(3, "other", sms(PENDING, 10)),
        about(4, "", sms(SEEN, 30)),
        about(5, "", sms(PENDING, 10)),
      ]);
      const { records } = await log().read(0, READ_ALL);
      expect(records.map((record) => record.superseded)).toEqual([false, false, false, false, false]);
    });

    it("does not change with a repeat that comes after stronger news", async () => {
      await log().append([about(1, "m", sms(PENDING, 10))]);
      await log().append([about(2, "m", sms(DELIVERED, 20))]);
      expect(await log().append([about(1, "m", sms(PENDING, 10))])).toEqual({ appended: 0, duplicates: 1 });
      const { records } = await log().read(0, READ_ALL);
      expect(records.map((record) => record.superseded)).toEqual([false, false]);
    });
  });

  describe("statusOf", () => {
    it("knows nothing of a message that told no status", async () => {
      await log().append([about(1, "m", sms(StatusRank.NONE, 10)), about(2, "", sms(SEEN, 10))]);
      expect(await log().statusOf("m")).toBeUndefined();
      expect(await log().statusOf("other")).toBeUndefined();
      expect(await log().statusOf("")).toBeUndefined();
    });

    it("returns the record as a read does", async () => {
      await log().append([about(1, "m", sms(PENDING, 10)), about(2, "m", sms(StatusRank.NONE, 20))]);
      const [record] = (await log().read(0, { ...READ_ALL, limit: 1 })).records;
      expect(await log().statusOf("m")).toEqual(record);
    });

    it("forgets what was removed", async () => {
      await log().append([
        about(1, "m", sms(DELIVERED, 20)),
        about(2, "m", sms(PENDING, 10)),
        sampleEvent(3),
      ]);
      await removeThrough(1);
      expect(await log().statusOf("m")).toBeUndefined();
    });
  });

  describe("readMessage", () => {
    it("returns one message's events in order, whatever their rank and time", async () => {
      const ranks = [SEEN, StatusRank.NONE, DELIVERED, ACCEPTED, PENDING, SEEN];
      for (const [n, rank] of ranks.entries())
        await log().append([about(n * 2 + 1, "m", sms(rank, 1_000 - n)), sampleEvent(n * 2 + 2)]);
      expect(await log().readMessage("m", 0, READ_ALL)).toMatchObject({ examinedTo: 12 });
      expect(await sequencesOf("m")).toEqual([1, 3, 5, 7, 9, 11]);
      expect(await sequencesOf("m", 3)).toEqual([5, 7, 9, 11]);
      expect(await sequencesOf("m", 12)).toEqual([]);
      expect(await sequencesOf("unknown")).toEqual([]);
      expect(await log().readMessage("", 0, READ_ALL)).toEqual({ records: [], examinedTo: 12 });
    });

    it("finds none of the events that name no message", async () => {
      await log().append([about(1, ""), about(2, "")]);
      expect(await sequencesOf("")).toEqual([]);
    });

    it("goes on from where it stopped, by number, bytes and filter, without gap or repeat", async () => {
      await log().append(
        sampleEvents(1, 9).map((event, n) => about(n + 1, n % 2 ? "x" : "m", event.columns)),
      );
      const ofM = [...Array(9).keys()].map((n) => about(n + 10, n % 2 ? "x" : "m"));
      await log().append(ofM);
      const expected = await sequencesOf("m");
      expect(expected).toEqual([10, 12, 14, 16, 18]);
      for (const bounds of [{ limit: 1 }, { limit: 2 }, { maxBytes: 1 }, { limit: 3, matches: () => true }]) {
        const seen: number[] = [];
        for (let at = 0; at < 18; ) {
          const result = await log().readMessage("m", at, { ...READ_ALL, ...bounds });
          expect(result.examinedTo).toBeGreaterThan(at);
          seen.push(...result.records.map((record) => record.sequence));
          at = result.examinedTo;
        }
        expect(seen).toEqual(expected);
      }
      const none = await log().readMessage("m", 0, { ...READ_ALL, limit: 2, matches: () => false });
      expect(none).toEqual({ records: [], examinedTo: 12 });
    });

    it("appends the raw item on demand", async () => {
      await log().append([about(1, "m")]);
      const [plain] = (await log().readMessage("m", 0, READ_ALL)).records;
      const [full] = (await log().readMessage("m", 0, { ...READ_ALL, includeRaw: true })).records;
      expect(plain && decodeEvent(plain).rawBody).toBeUndefined();
      expect(full && Buffer.from(decodeEvent(full).rawBody ?? []).toString()).toBe("raw 1");
    });

    it("begins with what is kept, also from a position that was removed", async () => {
      await log().append([about(1, "m"), about(2, "m"), about(3, "m")]);
      await removeThrough(2);
      expect(await sequencesOf("m", 0)).toEqual([3]);
    });

    it("stays right when a message grows far beyond any other, and shrinks again", async () => {
      const clicks = (from: number, to: number) =>
        Array.from({ length: to - from + 1 }, (_, i) =>
          about(from + i, "m", { rank: StatusRank.NONE, occurTimeMs: 1_000_000 - from - i }),
        );
      await log().append([about(1, "m", sms(DELIVERED, 10))]);
      await log().append(clicks(2, 150));
      await log().append([about(151, "m", sms(PENDING, 5)), ...clicks(152, 300)]);
      expect(await sequencesOf("m")).toEqual(Array.from({ length: 300 }, (_, i) => i + 1));
      expect((await log().readMessage("m", 100, { ...READ_ALL, limit: 7 })).examinedTo).toBe(107);
      expect((await log().statusOf("m"))?.sequence).toBe(1);
      await removeThrough(280);
      await log().append([about(301, "m", sms(PENDING, 40)), ...clicks(302, 390)]);
      expect(await sequencesOf("m")).toEqual(Array.from({ length: 110 }, (_, i) => i + 281));
      expect((await log().statusOf("m"))?.sequence).toBe(301);
    });

    it("and statusOf reject once the log is closed", async () => {
      await log()[Symbol.asyncDispose]();
      const unavailable = { reason: "LOG_UNAVAILABLE" };
      await expect(log().readMessage("m", 0, READ_ALL)).rejects.toMatchObject(unavailable);
      await expect(log().statusOf("m")).rejects.toMatchObject(unavailable);
    });
  });
}
