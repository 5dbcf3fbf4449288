import { Code } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { type Reason, ServiceError } from "../src/errors.ts";
import { createLogger } from "../src/log.ts";
import { REPEATED_TROUBLE_MS } from "../src/rare-line.ts";
import { logSendingEvents } from "../src/sending-log.ts";

const error = (reason: Reason) =>
  new ServiceError(Code.Unavailable, reason, "a text with the number 41790000001");

function logRig() {
  const lines: Record<string, unknown>[] = [];
  let now = 0;
  const write = (line: string) => lines.push(JSON.parse(line) as Record<string, unknown>);
  const log = createLogger({ level: "info", format: "json", write, now: () => 0 });
  return {
    lines,
    events: logSendingEvents(log, () => now),
    levels: () => lines.map(({ level, state, count }) => [level, state, count]),
    pass: (ms: number) => {
      now += ms;
    },
  };
}

test("the circuit is told when it opens and when it closes, not each probe that fails", () => {
  const rig = logRig();
  const { circuitChanged } = rig.events;
  for (const state of ["open", "half-open", "open", "half-open", "closed"] as const) circuitChanged(state);
  expect(rig.levels()).toEqual([
    ["warn", "open", 1],
    ["info", "closed", undefined],
  ]);
  expect(rig.lines[0]?.component).toBe("upstream");
});

test("a circuit that flaps writes a line a minute, with how often it has opened", () => {
  const rig = logRig();
  const { circuitChanged } = rig.events;
  for (let flap = 0; flap < 50; flap++) {
    circuitChanged("open");
    circuitChanged("closed");
  }
  expect(rig.lines).toHaveLength(2);
  rig.pass(REPEATED_TROUBLE_MS);
  circuitChanged("open");
  expect(rig.levels().at(-1)).toEqual(["warn", "open", 50]);
});

test("pauses are told once a minute, with the time of the last one", () => {
  const rig = logRig();
  rig.events.paused(1_000.4);
  rig.pass(REPEATED_TROUBLE_MS - 1);
  rig.events.paused(2_000);
  expect(rig.lines).toHaveLength(1);
  rig.pass(1);
  rig.events.paused(3_000);
  expect(rig.lines.map(({ level, delayMs, count }) => [level, delayMs, count])).toEqual([
    ["warn", 1_000, 1],
    ["warn", 3_000, 2],
  ]);
});

test("each kind of trouble is told by itself, with its reason and without the error's text", () => {
  const rig = logRig();
  rig.events.answerNotStored(error("LOG_UNAVAILABLE"));
  rig.events.outboxTroubled(error("OVERLOADED"));
  rig.events.outboxHeld(error("UPSTREAM_UNREACHABLE"), 500);
  rig.events.answerNotStored(error("REQUEST_IDS_FULL"));
  expect(rig.lines.map(({ level, component, reason }) => [level, component, reason])).toEqual([
    ["error", "messages", "LOG_UNAVAILABLE"],
    ["error", "outbox", "OVERLOADED"],
    ["warn", "outbox", "UPSTREAM_UNREACHABLE"],
  ]);
  expect(JSON.stringify(rig.lines)).not.toContain("41790000001");
});

test("that submissions are sent again is told only after it was told that they wait", () => {
  const rig = logRig();
  rig.events.outboxResumed();
  expect(rig.lines).toEqual([]);
  rig.events.outboxHeld(error("UPSTREAM_RATE_LIMITED"), 500);
  rig.events.outboxResumed();
  rig.events.outboxHeld(error("UPSTREAM_RATE_LIMITED"), 500);
  rig.events.outboxResumed();
  expect(rig.lines.map(({ level }) => level)).toEqual(["warn", "info"]);
});

test("results that are not recorded are told once a minute, with how many they were", () => {
  const rig = logRig();
  const { resultsNotRecorded } = rig.events;
  for (let call = 0; call < 100; call++) resultsNotRecorded({ events: 3, error: error("OVERLOADED") });
  rig.pass(REPEATED_TROUBLE_MS);
  resultsNotRecorded({ events: 1, error: error("LOG_UNAVAILABLE") });
  expect(rig.lines.map(({ level, reason, count }) => [level, reason, count])).toEqual([
    ["error", "OVERLOADED", 3],
    ["error", "LOG_UNAVAILABLE", 298],
  ]);
});
