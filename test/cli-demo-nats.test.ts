import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { expect, it } from "vitest";
import { cli, jsonLines } from "./cli-harness.ts";
import { describeNats } from "./nats-server.ts";

const MAIN = new URL("../src/main.ts", import.meta.url).pathname;
const MESSAGES = 32;
/** Of each 16 messages one goes to a destination that Infobip refuses. */
const REFUSED = 2;

/** Runs the demo as a process of its own: it starts further ones of the same program. */
async function demo(args: readonly string[], path = process.env.PATH) {
  const child = spawn(process.execPath, [MAIN, "demo", "--nats", ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { PATH: path, NO_COLOR: "1" },
  });
  const exited = once(child, "exit");
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  const [exitCode] = await exited;
  return { exitCode: exitCode as number, stdout, stderr };
}

describeNats("demo --nats", () => {
  it("has two replicas, kills one half-way, and ends with every message final and no event twice", {
    timeout: 90_000,
  }, async () => {
    const { exitCode, stdout, stderr } = await demo(["--messages", String(MESSAGES), "--json"]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    const lines = jsonLines(stdout);
    expect(lines[0]).toMatchObject({
      event: "ready",
      nats: expect.stringMatching(/^nats:/),
      grpc: expect.stringMatching(/^ipv4:127\.0\.0\.1:\d+,127\.0\.0\.1:\d+$/),
    });
    const killedAt = lines.findIndex(({ event }) => event === "killed");
    expect(lines.slice(killedAt).some(({ event }) => event === "event")).toBe(true);
    expect(lines.at(-1)).toMatchObject({
      event: "summary",
      requested: MESSAGES,
      accepted: MESSAGES - REFUSED,
      final: MESSAGES - REFUSED,
      repeated: 0,
      repeated_calls: expect.any(Number),
      missing: [],
    });
  });
});

it("demo takes --nats or --outage, not both", async () => {
  const { exitCode, stderr } = await cli(["demo", "--nats", "--outage"]);
  expect({ exitCode, stderr }).toEqual({ exitCode: 2, stderr: expect.stringContaining("choose one") });
});
