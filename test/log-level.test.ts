import { expect, test } from "vitest";
import { createLogger } from "../src/log.ts";
import type { LogLevel } from "../src/log-level.ts";

function rig(level: LogLevel) {
  const lines: Record<string, unknown>[] = [];
  const write = (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>);
  return { log: createLogger({ level, format: "json", write, now: () => 0 }), lines };
}

test("the level can be changed for a logger and all its children, those made before too", () => {
  const { log, lines } = rig("info");
  const child = log.child({ component: "webhook" });
  const grandchild = child.child({ method: "/v1/delivery" });
  grandchild.debug("not yet");
  log.level.set("debug");
  expect(log.level.get()).toBe("debug");
  grandchild.debug("now");
  child.level.set("error");
  expect(log.level.get()).toBe("error");
  log.warn("no longer");
  child.event("nor this", { count: 1 });
  grandchild.error("still");
  log.level.set("silent");
  grandchild.error("never");
  expect(lines.map(({ msg, component }) => [msg, component])).toEqual([
    ["now", "webhook"],
    ["still", "webhook"],
  ]);
});

test("an event's line is the line that info would have written", () => {
  const { log, lines } = rig("info");
  const fields = {
    messageId: 'quote " and \n break',
    bulkId: undefined,
    channel: "SMS",
    destination: "#0123456789…99",
    count: 3,
    durationMs: Number.NaN,
    reason: "x".repeat(600),
  };
  const child = log.child({ component: "messages", state: 'a "state"' });
  const raw: string[] = [];
  const plain = createLogger({
    level: "info",
    format: "json",
    write: (line) => raw.push(line),
    now: () => 0,
  });
  plain.child({ component: "c" }).event("message sent", { count: 1 });
  plain.child({ component: "c" }).info("message sent", { count: 1 });
  expect(raw[0]).toBe(raw[1]);
  child.event("message sent", fields);
  const { durationMs: _, ...finite } = fields;
  child.info("message sent", finite);
  expect(lines[0]).toEqual(lines[1]);
  expect(lines[0]?.reason).toHaveLength(500);
});

test("fields that are not on the list are written by neither", () => {
  const { log, lines } = rig("trace");
  const forgotten = { component: "x", text: "Secret words", to: "41790099000" };
  log.child(forgotten).event("message sent", forgotten as never);
  log.child(forgotten).info("message sent", forgotten as never);
  for (const line of lines)
    expect(Object.keys(line)).toEqual(
      ["level", "time", "component", "component", "msg"].slice(0, 3).concat("msg"),
    );
});
