import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { EXPIRY_INTERVAL_MS } from "../src/eventlog/embedded/answers/answer-expiry.ts";
import { type AnswerRemoval, EXPIRE_STEP_ANSWERS } from "../src/eventlog/embedded/answers/answer-writer.ts";
import { summariseLog } from "../src/eventlog/embedded/log-summary.ts";
import {
  type EmbeddedLogOptions,
  openEmbeddedLog,
  startWriterThread,
} from "../src/eventlog/embedded/open-embedded-log.ts";
import { ReadOnlyLog } from "../src/eventlog/embedded/read-only-log.ts";
import type { FromWriter } from "../src/eventlog/embedded/writer-messages.ts";
import { sampleAnswer } from "./answer-samples.ts";
import { ManualTimer } from "./fixtures/manual-timer.ts";

const WINDOW_MS = 60_000;
const DAY_MS = 24 * 60 * 60 * 1000;

describe("answers of an embedded log whose time has passed", () => {
  let directory: string;
  let timer: ManualTimer;
  /** By how much the wall clock is wrong. */
  let offMs: number;
  let removals: AnswerRemoval[];

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "eventlog-"));
    timer = new ManualTimer();
    offMs = 0;
    removals = [];
  });

  afterEach(() => rm(directory, { recursive: true }));

  const open = (options: Partial<EmbeddedLogOptions> = {}) =>
    openEmbeddedLog({
      directory,
      answers: { windowMs: WINDOW_MS, maxBytes: 64 * 1024 * 1024 },
      timer,
      now: () => timer.wallClock() + offMs,
      monotonicNow: timer.now,
      startWriter: (data) =>
        startWriterThread(data).on("message", (message: FromWriter) => {
          if (message.kind === "removed" && typeof message.result !== "number") removals.push(message.result);
        }),
      ...options,
    });
  const kept = (): number => {
    using file = ReadOnlyLog.open(directory);
    return summariseLog(file).answers.count;
  };
  /** Lets rounds of the removal pass until the log says that it has come to its end for now. */
  const rounds = async (count: number): Promise<void> => {
    for (let n = 0; n < count; n++) {
      const before = removals.length;
      timer.advance(EXPIRY_INTERVAL_MS);
      await vi.waitFor(() => expect(removals.slice(before).some(({ hasMore }) => !hasMore)).toBe(true));
    }
  };

  it("are removed in small steps, the others stay, and afterwards the timer rests", async () => {
    await using log = await open();
    const atRest = timer.size;
    const many = EXPIRE_STEP_ANSWERS * 2 + 10;
    await Promise.all(Array.from({ length: many }, (_, n) => log.answers.save(`id-${n}`, sampleAnswer(n))));
    expect(timer.size).toBe(atRest + 1);
    await rounds(3);
    await log.answers.save("late", sampleAnswer(1));
    expect(kept()).toBe(many + 1);
    await rounds(3);
    expect(removals.map(({ removed }) => removed).filter((removed) => removed > 0)).toEqual([250, 250, 10]);
    expect(kept()).toBe(1);
    expect(await log.answers.find("late")).toBeDefined();
    await rounds(3);
    expect(kept()).toBe(0);
    expect(removals.at(-1)).toMatchObject({ answers: 0, bytes: 0 });
    expect(timer.size).toBe(atRest);
  });

  it("are removed after a restart, too", async () => {
    const log = await open();
    await log.answers.save("a", sampleAnswer(1));
    await log[Symbol.asyncDispose]();
    expect(timer.size).toBe(0);
    timer.advance(WINDOW_MS);
    await using again = await open();
    await rounds(1);
    expect(kept()).toBe(0);
    expect(again.answers.hasRoom()).toBe(true);
  });

  it("are out of sight but not removed while the clock is wrong by far, and back when it is right again", async () => {
    await using log = await open();
    await log.answers.save("a", sampleAnswer(1));
    offMs = DAY_MS;
    expect(await log.answers.find("a")).toBeUndefined();
    await rounds(2);
    expect(kept()).toBe(1);
    offMs = 0;
    expect(await log.answers.find("a")).toBeDefined();
  });

  it("are told of when they cannot be removed, and tried again", async () => {
    const failures: Error[] = [];
    let isBroken = true;
    await using log = await open({
      onRetentionFailed: (error) => failures.push(error),
      startWriter: (data) => {
        const worker = startWriterThread(data);
        const tell = worker.emit.bind(worker);
        worker.emit = (name: string | symbol, ...values: unknown[]) => {
          const message = values[0] as FromWriter | undefined;
          if (message?.kind !== "removed" || !isBroken) return tell(name, ...values);
          const failure = { code: "SQLITE_IOERR", text: "disk I/O error" };
          return tell("message", { kind: "removeFailed", failure } satisfies FromWriter);
        };
        return worker;
      },
    });
    await log.answers.save("a", sampleAnswer(1));
    timer.advance(EXPIRY_INTERVAL_MS);
    await vi.waitFor(() => expect(failures).toMatchObject([{ cause: { code: "SQLITE_IOERR" } }]));
    isBroken = false;
    await vi.waitFor(() => {
      timer.advance(WINDOW_MS);
      expect(kept()).toBe(0);
    });
    expect(failures).toHaveLength(1);
  });

  it("that were saved just before the log is closed are stored", async () => {
    const log = await open();
    const saved = log.answers.save("a", sampleAnswer(1));
    await log[Symbol.asyncDispose]();
    await saved;
    await expect(log.answers.save("b", sampleAnswer(1))).rejects.toMatchObject({ reason: "LOG_UNAVAILABLE" });
    expect(kept()).toBe(1);
  });
});
