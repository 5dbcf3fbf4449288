import { Code } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { type Reason, ServiceError } from "../src/errors.ts";
import { createLogger } from "../src/log.ts";
import { logPullEvents, REPEATED_LINE_MS } from "../src/pull-log.ts";
import type { PullSource } from "../src/webhook/pull-events.ts";

const REPORTS: PullSource = { route: "delivery" };
const SMS: PullSource = { route: "inbound", channel: "SMS" };

function logRig() {
  const lines: Record<string, unknown>[] = [];
  let now = 0;
  const write = (line: string) => lines.push(JSON.parse(line) as Record<string, unknown>);
  const events = logPullEvents(
    createLogger({ level: "debug", format: "json", write, now: () => 0 }),
    () => now,
  );
  const fail = (source: PullSource, reason: Reason, failures = 1) =>
    events.fetchFailed(source, {
      error: new ServiceError(Code.Unavailable, reason, "a text with the number 41790000001"),
      failures,
      delayMs: 1_000,
    });
  return {
    lines,
    events,
    fail,
    messages: () => lines.map(({ level, msg }) => `${level} ${msg}`),
    pass: (ms: number) => {
      now += ms;
    },
  };
}

const receipt = { items: 2, appended: 1, duplicates: 1, unparsed: 0 };

test("the same trouble is told once in a while, other trouble and other sources at once", () => {
  const rig = logRig();
  rig.fail(REPORTS, "UPSTREAM_FAILED");
  rig.fail(REPORTS, "UPSTREAM_FAILED", 2);
  rig.fail(SMS, "UPSTREAM_FAILED");
  expect(rig.lines).toHaveLength(2);
  rig.pass(REPEATED_LINE_MS);
  rig.fail(REPORTS, "UPSTREAM_FAILED", 3);
  rig.fail(REPORTS, "UPSTREAM_UNREACHABLE", 4);
  expect(rig.lines.map(({ reason, attempt, channel }) => [reason, attempt, channel])).toEqual([
    ["UPSTREAM_FAILED", 1, undefined],
    ["UPSTREAM_FAILED", 1, "SMS"],
    ["UPSTREAM_FAILED", 3, undefined],
    ["UPSTREAM_UNREACHABLE", 4, undefined],
  ]);
  expect(JSON.stringify(rig.lines)).not.toContain("41790000001");
});

test("refused credentials are told with the scopes that are needed", () => {
  const rig = logRig();
  rig.fail(REPORTS, "UPSTREAM_CREDENTIALS_REJECTED");
  rig.fail(SMS, "UPSTREAM_FORBIDDEN");
  expect(rig.messages()).toEqual([
    expect.stringMatching(/^warn .*messages-api:manage/),
    expect.stringMatching(/^warn .*inbound-message:read/),
  ]);
});

test("the end of trouble is told, and an empty page is not", () => {
  const rig = logRig();
  const empty = { items: 0, appended: 0, duplicates: 0, unparsed: 0 };
  rig.events.stored(REPORTS, { receipt: empty, storeAttempts: 1 });
  expect(rig.lines).toEqual([]);
  rig.fail(REPORTS, "UPSTREAM_FAILED");
  rig.events.stored(REPORTS, { receipt: empty, storeAttempts: 1 });
  rig.events.stored(REPORTS, { receipt, storeAttempts: 1 });
  rig.fail(REPORTS, "UPSTREAM_FAILED");
  expect(rig.messages()).toEqual([
    "warn nothing could be fetched from Infobip; it is tried again",
    "info Infobip hands out pages again",
    "debug page stored",
    "warn nothing could be fetched from Infobip; it is tried again",
  ]);
});

test("a page in memory is told when it gets there and when it is stored; a lost one is an error", () => {
  const rig = logRig();
  const held = { bytes: 9, delayMs: 1, error: new Error("full") };
  rig.events.held(REPORTS, { ...held, storeAttempts: 1 });
  rig.events.held(REPORTS, { ...held, storeAttempts: 2 });
  rig.events.stored(REPORTS, { receipt, storeAttempts: 3 });
  rig.events.stored(REPORTS, { receipt: { ...receipt, unparsed: 1 }, storeAttempts: 1 });
  rig.events.lost(REPORTS, { reason: "STOPPED_STORING", bytes: 9, error: new Error("full") });
  rig.events.lost(SMS, { reason: "STOPPED_FETCHING", bytes: 0, error: new Error("late") });
  expect(rig.messages()).toEqual([
    "error the event log does not take a fetched page; it is kept in memory and tried again",
    "info page stored at last",
    "warn page stored, with items that could not be read",
    "error a fetched page is lost",
    "warn a fetch was broken off; what it was handing out may be lost",
  ]);
});
