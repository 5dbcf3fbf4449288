import { Code } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { logCalls, logRefusals } from "../src/call-log.ts";
import { ServiceError } from "../src/errors.ts";
import { createLogger } from "../src/log.ts";
import { REPEATED_TROUBLE_MS } from "../src/rare-line.ts";
import type { CallReport } from "../src/server/guards.ts";

const SUBMIT: CallReport = {
  method: "infobip.messages.v1.MessagesService/SubmitMessages",
  code: Code.Unavailable,
  reason: "LOG_UNAVAILABLE",
  durationMs: 1.23456,
  protocol: "grpc",
  caller: undefined,
};

function logRig(level: "info" | "debug" = "info") {
  const lines: Record<string, unknown>[] = [];
  let now = 0;
  const write = (line: string) => lines.push(JSON.parse(line) as Record<string, unknown>);
  const log = createLogger({ level, format: "json", write, now: () => 0 });
  const pass = (ms: number) => {
    now += ms;
  };
  return { lines, ended: logCalls(log, () => now), refused: logRefusals(log, () => now), pass };
}

test("ten thousand calls that fail for one reason are one line a minute, which counts them", () => {
  const { lines, ended, pass } = logRig();
  for (let i = 0; i < 10_000; i++) ended(SUBMIT);
  pass(REPEATED_TROUBLE_MS);
  ended(SUBMIT);
  expect(lines.map(({ level, msg, code, reason, count }) => [level, msg, code, reason, count])).toEqual([
    ["warn", "call failed", "UNAVAILABLE", "LOG_UNAVAILABLE", 1],
    ["warn", "call failed", "UNAVAILABLE", "LOG_UNAVAILABLE", 10_000],
  ]);
  expect(lines[0]).toMatchObject({ method: SUBMIT.method, component: "grpc", durationMs: 1.235 });
});

test("another method and another reason are told at once", () => {
  const { lines, ended } = logRig();
  ended(SUBMIT);
  ended({ ...SUBMIT, method: "infobip.events.v1.EventsService/ListEvents" });
  ended({ ...SUBMIT, reason: "DRAINING" });
  ended({ ...SUBMIT, code: Code.Internal, reason: "INTERNAL" });
  expect(lines.map(({ level }) => level)).toEqual(["warn", "warn", "warn", "warn"]);
});

test("what is the caller's affair has a line each, and what went well one at debug level", () => {
  const { lines, ended } = logRig("debug");
  for (let i = 0; i < 3; i++) ended({ ...SUBMIT, code: Code.NotFound, reason: "MESSAGE_UNKNOWN" });
  for (let i = 0; i < 2; i++) ended({ ...SUBMIT, code: undefined, reason: undefined });
  expect(lines.map(({ level, msg, code }) => [level, msg, code])).toEqual([
    ["info", "call failed", "NOT_FOUND"],
    ["info", "call failed", "NOT_FOUND"],
    ["info", "call failed", "NOT_FOUND"],
    ["debug", "call ended", "OK"],
    ["debug", "call ended", "OK"],
  ]);
});

test("refusals without end are one line a minute for each reason, which counts them", () => {
  const { lines, refused, pass } = logRig();
  const missing = new ServiceError(Code.Unauthenticated, "CREDENTIALS_MISSING", "x");
  const broken = new ServiceError(Code.InvalidArgument, "PROTOCOL_ERROR", "x");
  for (let i = 0; i < 10_000; i++) refused(`service/Method${i}`, missing);
  refused("service/Method", broken);
  pass(REPEATED_TROUBLE_MS);
  refused("service/Method", missing);
  expect(lines.map(({ reason, count }) => [reason, count])).toEqual([
    ["CREDENTIALS_MISSING", 1],
    ["PROTOCOL_ERROR", 1],
    ["CREDENTIALS_MISSING", 10_000],
  ]);
});
