import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import { afterEach, beforeEach, expect, test } from "vitest";
import {
  GetEventLogRequestSchema,
  GetMessageRequestSchema,
  ListEventsRequestSchema,
} from "../gen/infobip/events/v1/history_pb.js";
import { encodeCursor } from "../src/eventlog/cursor.ts";
import type { EmbeddedEventLog } from "../src/eventlog/embedded/embedded-log.ts";
import { openEmbeddedLog } from "../src/eventlog/embedded/open-embedded-log.ts";
import { createHistoryMethods, type HistoryMethods } from "../src/events/history-methods.ts";
import { ReplayTurns } from "../src/events/replay-turns.ts";
import { StatusRank } from "../src/infobip/status-rank.ts";
import { sampleEvent, sampleEvents } from "./event-log-samples.ts";
import { plainCall } from "./fixtures/call-context.ts";

let directory: string;
let log: EmbeddedEventLog;
let history: HistoryMethods;
let nowMs: number;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "history-"));
  nowMs = 1_764_000_000_000;
  log = await openEmbeddedLog({ directory, now: () => nowMs });
  history = createHistoryMethods({ log, turns: new ReplayTurns() });
});
afterEach(async () => {
  await log[Symbol.asyncDispose]();
  await rm(directory, { recursive: true });
});

const list = (request: object) => history.listEvents(create(ListEventsRequestSchema, request), plainCall());
const lookUp = (request: object) => history.getMessage(create(GetMessageRequestSchema, request), plainCall());

test("a list pages through the file, by time and with the raw body, and gives the cursors of its events", async () => {
  for (let n = 0; n < 5; n++) {
    nowMs += 1000;
    await log.append(sampleEvents(n * 200 + 1, n * 200 + 200));
  }
  const seconds = BigInt(nowMs / 1000);
  const request = {
    from: { case: "startTime", value: { seconds: seconds - 3n } },
    endTime: { seconds },
    includeRawBody: true,
    pageSize: 400,
  };
  const first = await list(request);
  const second = await list({ ...request, pageToken: first.nextPageToken });
  const events = [...first.events, ...second.events];
  expect(events.map(({ sequence }) => Number(sequence))).toEqual(
    Array.from({ length: 600 }, (_, n) => n + 201),
  );
  expect(events[0]).toMatchObject({
    id: "e-201",
    cursor: encodeCursor(log.id, 201),
    rawBody: Buffer.from("raw 201"),
  });
  expect(second).toMatchObject({ nextPageToken: "", cursor: encodeCursor(log.id, 800) });
});

test("a list by message ids finds them wherever they are, in the order of the log", async () => {
  await log.append(sampleEvents(1, 3000));
  await log.append([sampleEvent(5000, { messageId: "m-7" }), sampleEvent(5001, { messageId: "m-2500" })]);
  const filter = { messageIds: ["m-2500", "m-7", "none"] };
  const first = await list({ filter, pageSize: 3 });
  const second = await list({ filter, pageSize: 3, pageToken: first.nextPageToken });
  expect([first, second].map(({ events }) => events.map(({ id }) => id))).toEqual([
    ["e-7", "e-2500", "e-5000"],
    ["e-5001"],
  ]);
  expect(second).toMatchObject({ nextPageToken: "", cursor: encodeCursor(log.id, 3002) });
});

test("a message with very many events has its state, and pages", async () => {
  const clicks = Array.from({ length: 3000 }, (_, n) =>
    sampleEvent(n + 10, { messageId: "m", rank: StatusRank.NONE }),
  );
  await log.append([sampleEvent(1, { messageId: "m", rank: StatusRank.DELIVERED, final: true })]);
  await log.append(clicks);
  await log.append([sampleEvent(2, { messageId: "m", rank: StatusRank.PENDING })]);
  const ids: string[] = [];
  for (let pageToken = ""; ; ) {
    const page = await lookUp({ messageId: "m", pageSize: 1000, pageToken });
    expect(page).toMatchObject({ final: true, statusEvent: { id: "e-1", sequence: 1n } });
    ids.push(...page.timeline.map(({ id }) => id));
    if (page.timeline.length < 1000) expect(page.timeline.at(-1)).toMatchObject({ superseded: true });
    pageToken = page.nextPageToken;
    if (pageToken === "") break;
  }
  expect(ids).toEqual(["e-1", ...clicks.map((_, n) => `e-${n + 10}`), "e-2"]);
});

test("the last page of a timeline has no token, also when it is full", async () => {
  await log.append([
    ...sampleEvents(1, 3),
    ...[4, 5].map((n) => sampleEvent(n, { messageId: "m" })),
    ...sampleEvents(6, 9),
  ]);
  const page = await lookUp({ messageId: "m", pageSize: 2 });
  expect(page.timeline.map(({ id }) => id)).toEqual(["e-4", "e-5"]);
  expect(page.nextPageToken).toBe("");
});

test("the status event brings its raw body when it is asked for", async () => {
  await log.append([sampleEvent(1, { messageId: "m" })]);
  const page = await lookUp({ messageId: "m", includeRawBody: true });
  expect(page.statusEvent?.rawBody).toEqual(Buffer.from("raw 1"));
  expect((await lookUp({ messageId: "m" })).statusEvent).not.toHaveProperty("rawBody");
});

test("what was removed is refused to cursors, and left out of lists from the earliest event", async () => {
  await log.append(sampleEvents(1, 2000));
  const { nextPageToken: pageToken } = await list({ pageSize: 10 });
  await log.removeThrough(1500);
  await expect(list({ pageToken })).rejects.toMatchObject({ reason: "CURSOR_EXPIRED" });
  expect((await list({})).events[0]?.id).toBe("e-1501");
  await expect(lookUp({ messageId: "m-3" })).rejects.toMatchObject({ reason: "MESSAGE_UNKNOWN" });
  const answer = await history.getEventLog(create(GetEventLogRequestSchema), plainCall());
  expect(answer).toMatchObject({
    eventCount: 500n,
    writable: true,
    earliestCursor: encodeCursor(log.id, 1500),
    headCursor: encodeCursor(log.id, 2000),
    retentionAge: { seconds: 604_800n },
  });
  expect(answer.sizeBytes).toBeGreaterThan(0n);
});
