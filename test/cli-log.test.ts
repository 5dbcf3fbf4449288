import { inspect } from "node:util";
import { expect, test } from "vitest";
import { createLogger, type LogFields } from "../src/log.ts";
import { Secret } from "../src/secret.ts";

function logger(format: "json" | "pretty", level: "debug" | "warn" = "debug") {
  const lines: string[] = [];
  const log = createLogger({ level, format, write: (line) => lines.push(line), now: () => 0 });
  return { log, lines };
}

test("a line holds the message and the fields that are allowed, and nothing else", () => {
  const { log, lines } = logger("json");
  const fields = {
    component: "grpc",
    count: 3,
    text: "Hi Ana",
    destination: "41790000000",
    messageId: new Secret("s"),
  };
  log.info("call ended", fields as unknown as LogFields);
  expect(lines.map((line) => JSON.parse(line))).toEqual([
    { level: "info", time: "1970-01-01T00:00:00.000Z", component: "grpc", count: 3, msg: "call ended" },
  ]);
});

test("an error is written by names, codes and frames, without its text or that of its causes", () => {
  const { log, lines } = logger("json");
  const cause = Object.assign(new TypeError("bad number 41790000000"), { code: "ERR_X" });
  log.error("failed", { error: new Error("secret key abc\n    at 41790000000", { cause }) });
  const [line = ""] = lines;
  expect(line).not.toMatch(/41790000000|secret key/);
  const { error } = JSON.parse(line);
  expect(error).toMatchObject([{ name: "Error" }, { name: "TypeError", code: "ERR_X" }]);
  expect(error[0].frames[0]).toMatch(/cli-log\.test/);
});

test("levels, children and the pretty form", () => {
  const { log, lines } = logger("pretty", "warn");
  const child = log.child({ component: "webhook" });
  child.info("not shown");
  child.warn("shown", { status: 503 });
  expect(lines).toEqual(['00:00:00.000 WARN  shown component="webhook" status=503\n']);
});

test("a secret shows itself to reveal() only", () => {
  const secret = new Secret("abc");
  expect(secret.reveal()).toBe("abc");
  expect(
    `${secret} ${JSON.stringify({ secret })} ${inspect({ secret }, { showHidden: true })}`,
  ).not.toContain("abc");
});
