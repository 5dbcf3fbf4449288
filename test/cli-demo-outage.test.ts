import { test } from "vitest";
import { OUTAGE_MS } from "../src/cli/demo/demo-outage.ts";
import { type CliRunOptions, cli, jsonLines, sleep } from "./cli-harness.ts";

const MESSAGES = 17;
/** Long enough for several attempts in vain, in milliseconds. */
const SHORT_OUTAGE_MS = 800;
/** Submissions of the 17 whose only destination Infobip refuses. */
const REJECTED = 1;

function demo(args: readonly string[], options: CliRunOptions = {}) {
  return cli(["demo", "--outage", ...args], {
    ...options,
    sleep: (ms, signal) => sleep(ms === OUTAGE_MS ? SHORT_OUTAGE_MS : ms, signal),
  });
}

test.concurrent("demo --outage submits while nothing listens, and ends with every message final and none sent twice", async ({
  expect,
}) => {
  const { exitCode, stdout, stderr } = await demo(["--messages", "17", "--json"]);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  const lines = jsonLines(stdout);
  const news = lines.filter((line) => line.event === "outage");
  expect(news).toEqual([
    { event: "outage", phase: "refused", reason: "UPSTREAM_UNREACHABLE", outcome: "NOT_SENT" },
    { event: "outage", phase: "submitted", count: MESSAGES, outage_ms: OUTAGE_MS },
    {
      event: "outage",
      phase: "restored",
      states: expect.objectContaining({ QUEUED: expect.any(Number) }),
      failed_attempts: expect.any(Number),
    },
    { event: "outage", phase: "settled", after_ms: expect.any(Number) },
  ]);
  const { states, failed_attempts } = news[2] as {
    states: Record<string, number>;
    failed_attempts: number;
  };
  expect(Object.keys(states).filter((state) => state !== "QUEUED" && state !== "SENDING")).toEqual([]);
  expect(failed_attempts).toBeGreaterThan(0);
  expect(lines.at(-1)).toMatchObject({
    event: "summary",
    requested: MESSAGES,
    accepted: MESSAGES - REJECTED,
    final: MESSAGES - REJECTED,
    repeated: 0,
    submissions: { ACCEPTED: MESSAGES - REJECTED, REJECTED },
    missing: [],
  });
  const paths = pathsOf(lines);
  expect(paths.size).toBe(MESSAGES);
  for (const path of paths.values()) {
    expect(path).toMatch(/^QUEUED( SENDING QUEUED)* SENDING (ACCEPTED|REJECTED)$/);
  }
});

test.concurrent("demo --outage for people tells the phases and counts, not each change of each submission", async ({
  expect,
}) => {
  const { exitCode, stdout } = await demo(["--messages", "2"], {
    isTTY: true,
    environment: { NO_COLOR: "1" },
  });
  expect(exitCode).toBe(0);
  const clear = "\u001B[2K";
  const shown = stdout.split("\n").map((line) => line.slice(line.lastIndexOf(clear) + 1));
  expect(stdout).toContain("SendMessages fails with UPSTREAM_UNREACHABLE, outcome NOT_SENT\n");
  expect(stdout).toContain("SubmitMessages took 2: they are on disk and wait");
  expect(stdout).toContain("0/2 final  2 QUEUED");
  expect(stdout).toMatch(/-- Infobip is back; .* \d+ attempts? failed and sent nothing/);
  expect(stdout).toMatch(/no submission waits any more, \d+\.\d s after Infobip came back\n/);
  expect(stdout).toContain("submissions: 2 ACCEPTED\n");
  expect(shown.filter((line) => line.includes("submissions/demo-"))).toEqual([]);
});

test.concurrent("demo --outage names what is missing when the time is up during the outage", async ({
  expect,
}) => {
  const { exitCode, stdout, stderr } = await demo(["--messages", "2", "--timeout", "500ms", "--json"]);
  expect(exitCode).toBe(5);
  const lines = jsonLines(stdout);
  expect(lines.at(-1)).toMatchObject({ event: "summary", missing: [{ messageId: "demo-0001" }, {}] });
  expect(lines.map(({ phase }) => phase)).not.toContain("restored");
  expect(jsonLines(stderr)).toMatchObject([{ error: { reason: "REPORT_MISSING", exit_code: 5 } }]);
});

/** The states of each submission in the order of their events. */
function pathsOf(lines: readonly Record<string, unknown>[]): Map<string, string> {
  const paths = new Map<string, string>();
  for (const { event, data } of lines) {
    const change = event === "event" && (data as { submission?: { submission: string; state: string } });
    if (!change || change.submission === undefined) continue;
    const { submission, state } = change.submission;
    const name = state.replace("SUBMISSION_STATE_", "");
    paths.set(submission, [paths.get(submission), name].filter(Boolean).join(" "));
  }
  return paths;
}
