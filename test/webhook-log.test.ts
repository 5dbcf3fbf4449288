import { expect, test } from "vitest";
import { createLogger } from "../src/log.ts";
import { REPEATED_TROUBLE_MS } from "../src/rare-line.ts";
import type { WebhookOutcome } from "../src/server/webhook-listener.ts";
import { logWebhooks } from "../src/webhook-log.ts";

const AWAY: WebhookOutcome = {
  route: "delivery",
  status: 503,
  reason: "LOG_UNAVAILABLE",
  receipt: undefined,
  cause: new Error("a text with the number 41790000001"),
};
const STRANGER: WebhookOutcome = {
  ...AWAY,
  route: undefined,
  status: 404,
  reason: "NOT_FOUND",
  cause: undefined,
};
const TAKEN: WebhookOutcome = {
  ...AWAY,
  status: 200,
  reason: undefined,
  receipt: { items: 3, appended: 2, duplicates: 1, unparsed: 0 },
  cause: undefined,
};

function logRig(level: "info" | "debug" = "info") {
  const lines: Record<string, unknown>[] = [];
  let now = 0;
  const write = (line: string) => lines.push(JSON.parse(line) as Record<string, unknown>);
  const log = createLogger({ level, format: "json", write, now: () => 0 });
  const pass = (ms: number) => {
    now += ms;
  };
  return { lines, answered: logWebhooks(log, () => now), pass };
}

test("ten thousand refusals of a kind are one line a minute, which counts them", () => {
  const { lines, answered, pass } = logRig();
  for (let i = 0; i < 10_000; i++) {
    answered(AWAY);
    answered(STRANGER);
  }
  pass(REPEATED_TROUBLE_MS);
  answered(AWAY);
  expect(lines.map(({ level, msg, method, reason, count }) => [level, msg, method, reason, count])).toEqual([
    ["error", "webhook refused", "/v1/delivery", "LOG_UNAVAILABLE", 1],
    ["info", "webhook refused", "unknown", "NOT_FOUND", 1],
    ["error", "webhook refused", "/v1/delivery", "LOG_UNAVAILABLE", 10_000],
  ]);
  expect(JSON.stringify(lines)).not.toContain("41790000001");
});

test("a refusal of another kind is told at once", () => {
  const { lines, answered } = logRig();
  answered(AWAY);
  answered({ ...AWAY, route: "seen" });
  answered({ ...AWAY, reason: "BUSY" });
  answered({ ...AWAY, status: undefined, reason: undefined });
  expect(lines.map(({ msg, method, reason }) => [msg, method, reason])).toEqual([
    ["webhook refused", "/v1/delivery", "LOG_UNAVAILABLE"],
    ["webhook refused", "/v1/seen", "LOG_UNAVAILABLE"],
    ["webhook refused", "/v1/delivery", "BUSY"],
    ["webhook sender went away", "/v1/delivery", undefined],
  ]);
});

test("every webhook that is stored has its line at debug level, louder when a part could not be read", () => {
  const { lines, answered } = logRig("debug");
  answered(TAKEN);
  answered(TAKEN);
  answered({ ...TAKEN, receipt: { items: 3, appended: 3, duplicates: 0, unparsed: 2 } });
  expect(lines.map(({ level, count, unparsed }) => [level, count, unparsed])).toEqual([
    ["debug", 3, undefined],
    ["debug", 3, undefined],
    ["warn", 3, 2],
  ]);
});
