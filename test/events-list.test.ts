import fc from "fast-check";
import { beforeEach, describe, expect, test } from "vitest";
import { EventType } from "../gen/infobip/events/v1/event_pb.js";
import { Channel } from "../gen/infobip/messages/v1/channel_pb.js";
import { encodeCursor } from "../src/eventlog/cursor.ts";
import { MAX_PAGE_BYTES } from "../src/events/event-page.ts";
import { MAX_EXAMINED } from "../src/events/history-reads.ts";
import { sampleEncoded, sampleEvent, sampleEvents } from "./event-log-samples.ts";
import { HistoryRig } from "./fixtures/history-rig.ts";

let rig: HistoryRig;
beforeEach(() => {
  rig = new HistoryRig();
});

const ids = (from: number, to: number) => sampleEvents(from, to).map((_, i) => `e-${from + i}`);
const idsOf = (page: { readonly events: readonly { readonly id: string }[] }) =>
  page.events.map(({ id }) => id);
const at = (ms: number) => ({ seconds: BigInt(Math.floor(ms / 1000)), nanos: (ms % 1000) * 1e6 });

describe("a page", () => {
  test("holds 100 events when no size is given, and the last one has no token", async () => {
    await rig.log.append(sampleEvents(1, 150));
    const first = await rig.list();
    expect(idsOf(first)).toEqual(ids(1, 100));
    const second = await rig.list({ pageToken: first.nextPageToken });
    expect(idsOf(second)).toEqual(ids(101, 150));
    expect(second.nextPageToken).toBe("");
    expect(second.cursor).toBe(rig.cursor(150));
  });

  test("of an empty log is empty, with a cursor to go on from", async () => {
    const page = await rig.list();
    expect(page).toMatchObject({ events: [], nextPageToken: "", cursor: rig.cursor(0) });
  });

  test("that ends with the last event has no token", async () => {
    await rig.log.append(sampleEvents(1, 3));
    expect((await rig.list({ pageSize: 3 })).nextPageToken).toBe("");
  });

  test("may change its size from call to call", async () => {
    await rig.log.append(sampleEvents(1, 10));
    const first = await rig.list({ pageSize: 3 });
    const second = await rig.list({ pageSize: 5, pageToken: first.nextPageToken });
    expect(idsOf(second)).toEqual(ids(4, 8));
  });

  test("holds at most 2 MiB of events, and a larger event alone", async () => {
    const big = (n: number, length: number) => ({
      ...sampleEvent(n),
      encoded: sampleEncoded({ id: `e-${n}`, callbackData: "x".repeat(length) }),
    });
    const half = MAX_PAGE_BYTES / 2;
    await rig.log.append([big(1, half), big(2, half), big(3, 3 * half), sampleEvent(4)]);
    const pages = [];
    for await (const page of rig.pages({ pageSize: 1000 })) pages.push(idsOf(page));
    expect(pages).toEqual([["e-1"], ["e-2"], ["e-3"], ["e-4"]]);
  });
});

describe("the beginning and the end", () => {
  beforeEach(async () => {
    await rig.log.append(sampleEvents(1, 10));
    // One event a second, from 1 s on.
    for (const [index, record] of rig.log.stored.entries())
      Object.assign(record, { recordTimeMs: (index + 1) * 1000 });
  });

  test("after a cursor", async () => {
    const page = await rig.list({ from: { case: "cursor", value: rig.cursor(7) } });
    expect(idsOf(page)).toEqual(ids(8, 10));
  });

  test("from a time, up to a time that is left out", async () => {
    const page = await rig.list({ from: { case: "startTime", value: at(3000) }, endTime: at(6000) });
    expect(idsOf(page)).toEqual(ids(3, 5));
    expect(page).toMatchObject({ nextPageToken: "", cursor: rig.cursor(5) });
  });

  test("an end before the beginning lists nothing and stays where it is", async () => {
    const page = await rig.list({ from: { case: "cursor", value: rig.cursor(7) }, endTime: at(2000) });
    expect(page).toMatchObject({ events: [], nextPageToken: "", cursor: rig.cursor(7) });
  });

  test("pages end at the end time, too", async () => {
    const pages = [];
    for await (const page of rig.pages({ pageSize: 2, endTime: at(6000) })) pages.push(idsOf(page));
    expect(pages).toEqual([ids(1, 2), ids(3, 4), ids(5, 5)]);
  });
});

test("an end that falls into a gap of the sequences is kept to", async () => {
  const record = (sequence: number) => ({
    ...sampleEvent(sequence),
    sequence,
    recordTimeMs: sequence * 1000,
    superseded: false,
  });
  rig.log.bounds = () => ({ earliest: 0, head: 20 });
  rig.log.positionAtTime = async () => 5;
  rig.log.read = async (after) => ({
    records: [2, 4, 8, 20].filter((sequence) => sequence > after).map(record),
    examinedTo: 20,
  });
  const page = await rig.list({ endTime: at(6000) });
  expect(idsOf(page)).toEqual(["e-2", "e-4"]);
  expect(page).toMatchObject({ nextPageToken: "", cursor: rig.cursor(5) });
});

describe("refusals", () => {
  test.each([
    ["CURSOR_MALFORMED", "garbage"],
    ["CURSOR_FOREIGN_LOG", encodeCursor("fedcba9876543210", 1)],
    ["CURSOR_AHEAD", encodeCursor("0123456789abcdef", 99)],
    ["CURSOR_EXPIRED", encodeCursor("0123456789abcdef", 1)],
  ])("%s", async (reason, value) => {
    await rig.log.append(sampleEvents(1, 10));
    rig.log.removeThrough(5);
    await expect(rig.list({ from: { case: "cursor", value } })).rejects.toMatchObject({ reason });
  });

  test("PAGE_TOKEN_INVALID when any other field has changed", async () => {
    await rig.log.append(sampleEvents(1, 10));
    const { nextPageToken: pageToken } = await rig.list({ pageSize: 2 });
    for (const change of [
      { filter: { finalOnly: true } },
      { endTime: at(1) },
      { includeRawBody: true },
      { from: { case: "cursor" as const, value: rig.cursor(0) } },
    ]) {
      await expect(rig.list({ pageSize: 2, pageToken, ...change })).rejects.toMatchObject({
        reason: "PAGE_TOKEN_INVALID",
      });
    }
  });

  test("FILTER_INERT", async () => {
    const filter = { finalOnly: true, types: [EventType.CLICK] };
    await expect(rig.list({ filter })).rejects.toMatchObject({ reason: "FILTER_INERT" });
  });

  test("CANCELLED as soon as the call ends, though the log does not answer", async () => {
    await rig.log.append(sampleEvents(1, 10));
    rig.log.read = () => new Promise(() => {});
    const call = new AbortController();
    const listed = rig.list({}, call.signal);
    call.abort();
    await expect(listed).rejects.toMatchObject({ reason: "CANCELLED" });
  });
});

describe("retention", () => {
  test("a page token whose next events are gone is CURSOR_EXPIRED", async () => {
    await rig.log.append(sampleEvents(1, 10));
    const { nextPageToken: pageToken } = await rig.list({ pageSize: 2 });
    rig.log.removeThrough(5);
    await expect(rig.list({ pageSize: 2, pageToken })).rejects.toMatchObject({ reason: "CURSOR_EXPIRED" });
  });

  test("a list from the earliest event that is overtaken begins with what is left", async () => {
    await rig.log.append(sampleEvents(1, 400));
    rig.log.beforeRead = () => rig.log.removeThrough(390);
    expect(idsOf(await rig.list())).toEqual(ids(391, 400));
    const some = await rig.list({ filter: { messageIds: ["m-1", "m-395"] } });
    expect(idsOf(some)).toEqual(["e-395"]);
  });

  test("a list by message ids from a cursor that is overtaken says so", async () => {
    await rig.log.append(sampleEvents(1, 400));
    rig.log.beforeRead = () => rig.log.removeThrough(390);
    const request = {
      from: { case: "cursor" as const, value: rig.cursor(2) },
      filter: { messageIds: ["m-9"] },
    };
    await expect(rig.list(request)).rejects.toMatchObject({ reason: "CURSOR_EXPIRED" });
    expect(rig.log.messageReads).toBeGreaterThan(0);
  });

  test("what is on a page already is returned when the rest is gone", async () => {
    await rig.log.append(sampleEvents(1, 600));
    rig.log.beforeRead = () => rig.log.reads > 1 && rig.log.removeThrough(590);
    const page = await rig.list({ pageSize: 1000 });
    expect(idsOf(page)).toEqual(ids(1, 256));
    expect(page.cursor).toBe(rig.cursor(256));
    expect(page.nextPageToken).not.toBe("");
  });
});

describe("a filter", () => {
  test("that matches nothing examines at most 50,000 events a call, with other work between", async () => {
    const one = sampleEvent(1);
    const stored = Array.from({ length: MAX_EXAMINED + 700 }, (_, i) => ({
      ...one,
      sequence: i + 1,
      recordTimeMs: 1,
      superseded: false,
    }));
    rig.log.stored.push(...stored);
    let turns = 0;
    const counting = setInterval(() => turns++, 0);
    const first = await rig.list({ filter: { senders: ["nobody"] } });
    clearInterval(counting);
    expect(first).toMatchObject({ events: [], cursor: rig.cursor(MAX_EXAMINED) });
    expect(turns).toBeGreaterThan(5);
    const second = await rig.list({
      filter: { senders: ["nobody"] },
      pageToken: first.nextPageToken,
    });
    expect(second).toMatchObject({ events: [], nextPageToken: "", cursor: rig.cursor(stored.length) });
  });

  test("by a few message ids reads those messages and nothing else", async () => {
    await rig.log.append(sampleEvents(1, 2000));
    const messageIds = Array.from({ length: 100 }, (_, i) => `m-${1900 - i}`);
    const page = await rig.list({ pageSize: 101, filter: { messageIds } });
    expect(idsOf(page)).toEqual(ids(1801, 1900));
    expect(page).toMatchObject({ nextPageToken: "", cursor: rig.cursor(2000) });
    expect(rig.log.reads).toBe(0);
  });

  test("by a few message ids examines at most 50,000 events a call, and leaves none out", async () => {
    const busy = { ...sampleEvent(1, { messageId: "busy" }), recordTimeMs: 1, superseded: false };
    const stored = Array.from({ length: MAX_EXAMINED + 700 }, (_, i) => ({ ...busy, sequence: i + 1 }));
    rig.log.stored.push(...stored);
    await rig.log.append([sampleEvent(2, { messageId: "calm", final: true })]);
    const request = { filter: { messageIds: ["calm", "busy"], finalOnly: true } };
    const first = await rig.list(request);
    expect(first.events).toEqual([]);
    expect(first.nextPageToken).not.toBe("");
    expect(rig.log.reads).toBe(0);
    const second = await rig.list({ ...request, pageToken: first.nextPageToken });
    expect(idsOf(second)).toEqual(["e-2"]);
    expect(second.nextPageToken).toBe("");
  });

  test("by many message ids scans", async () => {
    await rig.log.append(sampleEvents(1, 2000));
    const messageIds = Array.from({ length: 101 }, (_, i) => `m-${1 + i}`);
    expect(idsOf(await rig.list({ pageSize: 1000, filter: { messageIds } }))).toEqual(ids(1, 101));
    expect(rig.log.messageReads).toBe(0);
  });
});

test("however it is paged and filtered, pages and a watch from any page's cursor give each event once", async () => {
  const events = Array.from({ length: 900 }, (_, i) =>
    sampleEvent(i + 1, {
      messageId: `m-${(i * 7) % 40}`,
      channel: i % 3 === 0 ? Channel.SMS : Channel.WHATSAPP,
      final: i % 5 === 0,
    }),
  );
  await rig.log.append(events);
  const filters = fc.record({
    messageIds: fc.subarray(["m-1", "m-2", "m-39", "none"], { maxLength: 3 }),
    channels: fc.subarray([Channel.SMS]),
    finalOnly: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(filters, fc.integer({ min: 1, max: 300 }), fc.nat(), async (filter, pageSize, nth) => {
      const expected = await rig.watchToHead({ from: { case: "cursor", value: rig.cursor(0) }, filter });
      const pages = [];
      for await (const page of rig.pages({ filter, pageSize })) pages.push(page);
      expect(pages.flatMap(idsOf)).toEqual(expected);
      const chosen = nth % pages.length;
      const watched = await rig.watchToHead({
        from: { case: "cursor", value: pages[chosen]?.cursor ?? "" },
        filter,
      });
      expect([...pages.slice(0, chosen + 1).flatMap(idsOf), ...watched]).toEqual(expected);
    }),
    { numRuns: 40 },
  );
});
