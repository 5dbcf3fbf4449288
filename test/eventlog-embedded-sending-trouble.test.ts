import { mkdtemp, open as openFile, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Worker } from "node:worker_threads";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  type EmbeddedLogOptions,
  openEmbeddedLog,
  startWriterThread,
} from "../src/eventlog/embedded/open-embedded-log.ts";
import { ReadOnlyLog } from "../src/eventlog/embedded/read-only-log.ts";
import { Findings } from "../src/eventlog/embedded/verify/findings.ts";
import { verifyAnswers, verifySubmissions } from "../src/eventlog/embedded/verify/verify-sending.ts";
import { plainAnswer, sampleAnswer } from "./answer-samples.ts";
import { messageIds, sampleEvent } from "./event-log-samples.ts";
import { commitTo, MANY, numbersOf, sampleRecord } from "./submission-samples.ts";

const UNAVAILABLE = { reason: "LOG_UNAVAILABLE" };
const PAGE = 4_096;

describe("submissions and answers of an embedded log in trouble", () => {
  let directory: string;
  let file: string;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "eventlog-"));
    file = join(directory, "events.db");
  });

  afterEach(() => rm(directory, { recursive: true }));

  const open = (options: Partial<EmbeddedLogOptions> = {}) => openEmbeddedLog({ directory, ...options });
  const large = (n: number) => sampleRecord(n, { request: Buffer.alloc(20_000, n) });

  it("stores nothing of a commit for which the file is full, tells so, counts right, and recovers", async () => {
    const troubles: Error[] = [];
    await using log = await open({
      maxFileBytes: 300 * 1024,
      answers: { maxBytes: 60_000 },
      onTrouble: (error) => troubles.push(error),
    });
    const { submissions } = log;
    let stored = 0;
    const fill = async (): Promise<void> => {
      for (;;) {
        await commitTo(submissions, { records: [large(stored + 1)], events: [sampleEvent(stored + 1)] });
        stored++;
      }
    };
    await expect(fill()).rejects.toMatchObject({ ...UNAVAILABLE, cause: { code: "SQLITE_FULL" } });
    expect(stored).toBeGreaterThan(3);
    expect(troubles).toHaveLength(1);
    expect(log.health()).toMatchObject({ ok: false, reason: expect.stringContaining("SQLITE_FULL") });
    // The first one makes room for the second, but not for the third.
    const tooMuch = [sampleRecord(3), large(91), large(92)];
    await expect(commitTo(submissions, { records: tooMuch })).rejects.toMatchObject(UNAVAILABLE);
    expect(log.bounds().head).toBe(stored);
    expect((await submissions.counts()).lastNumber).toBe(stored);
    await commitTo(submissions, { removed: [1, 2] });
    const saves = ["", "x".repeat(56_500)].map((text, n) =>
      log.answers.save(`lost-${n}`, sampleAnswer(n, text)),
    );
    for (const result of await Promise.allSettled(saves))
      expect(result).toMatchObject({ reason: UNAVAILABLE });
    expect(log.answers.hasRoom()).toBe(true);
    await commitTo(submissions, { records: [large(100)], events: [sampleEvent(100)] });
    expect(log.health()).toEqual({ ok: true });
    await log.answers.save("a", sampleAnswer(2));
    expect(plainAnswer(await log.answers.find("a"))).toEqual(plainAnswer(sampleAnswer(2)));
    const { byState, bytes, lastNumber } = await submissions.counts();
    expect([[...byState.values()], bytes, lastNumber]).toEqual([[stored - 1], (stored - 1) * 20_000, 100]);
    expect((await messageIds(log)).at(-1)).toBe("m-100");
    using opened = ReadOnlyLog.open(directory);
    const findings = new Findings();
    expect([verifyAnswers(opened.database, findings), verifySubmissions(opened.database, findings)]).toEqual([
      1,
      stored - 1,
    ]);
    expect(findings.listed).toEqual([]);
  });

  it("rejects what waits when the writer dies, and still reads", async () => {
    let worker: Worker | undefined;
    await using log = await open({
      startWriter: (data) => {
        worker = startWriterThread(data);
        return worker;
      },
    });
    await commitTo(log.submissions, { records: [sampleRecord(1)] });
    const waiting = [
      ...Array.from({ length: 20 }, (_, n) => commitTo(log.submissions, { records: [sampleRecord(n + 2)] })),
      log.answers.save("a", sampleAnswer(1)),
    ];
    const settled = Promise.allSettled(waiting);
    await worker?.terminate();
    const rejected = (await settled).filter((result) => result.status === "rejected");
    expect(rejected.length).toBeGreaterThan(0);
    for (const { reason } of rejected) expect(reason).toMatchObject(UNAVAILABLE);
    await expect(commitTo(log.submissions, { removed: [1] })).rejects.toMatchObject(UNAVAILABLE);
    await expect(log.answers.save("b", sampleAnswer(1))).rejects.toMatchObject(UNAVAILABLE);
    expect(log.answers.hasRoom()).toBe(true);
    expect((await log.submissions.get("submission-1"))?.number).toBe(1);
  });

  it("rejects the reads that hit damage, and is not well from then on", async () => {
    {
      await using filled = await open();
      const records = Array.from({ length: 400 }, (_, n) =>
        sampleRecord(n + 1, { outcome: Buffer.alloc(900) }),
      );
      await commitTo(filled.submissions, { records });
      const answer = sampleAnswer(1, "x".repeat(900));
      await Promise.all(records.map((_, n) => filled.answers.save(`answer-${n}`, answer)));
    }
    await damage("submissions");
    await damage("answers");
    await using log = await open();
    expect(log.health()).toEqual({ ok: true });
    await expect(log.submissions.get("submission-200")).rejects.toMatchObject(UNAVAILABLE);
    expect(log.health()).toMatchObject({ ok: false, reason: expect.stringContaining("SQLITE_CORRUPT") });
    await expect(log.answers.find("answer-200")).rejects.toMatchObject(UNAVAILABLE);
    const whole = { before: MANY, states: [], limit: MANY, maxExamined: MANY };
    await expect(log.submissions.list(whole)).rejects.toMatchObject(UNAVAILABLE);
    await expect(log.submissions.due(Number.MAX_SAFE_INTEGER, undefined, MANY, MANY)).rejects.toMatchObject(
      UNAVAILABLE,
    );
    expect(numbersOf((await log.submissions.list({ ...whole, before: 3 })).records)).toEqual([2, 1]);
    expect(await log.answers.find("answer-1")).toBeDefined();
  });

  it("confirms nothing that it stored in a deleted file", async () => {
    await using log = await open();
    await rename(file, `${file}.moved`);
    await expect(commitTo(log.submissions, { records: [sampleRecord(1)] })).rejects.toMatchObject(
      UNAVAILABLE,
    );
    await expect(log.answers.save("a", sampleAnswer(1))).rejects.toMatchObject(UNAVAILABLE);
    await rename(`${file}.moved`, file);
    await log.answers.save("b", sampleAnswer(1));
    expect(log.health()).toEqual({ ok: true });
  });

  it("refuses what is over the limits of the queue, and takes more afterwards", async () => {
    await using log = await open({ maxQueuedBytes: 50_000, maxQueuedEvents: 2 });
    const overloaded = { reason: "OVERLOADED" };
    const first = commitTo(log.submissions, { records: [large(1), large(2)] });
    await expect(commitTo(log.submissions, { records: [large(3)] })).rejects.toMatchObject(overloaded);
    await expect(log.answers.save("a", sampleAnswer(1, "x".repeat(20_000)))).rejects.toMatchObject(
      overloaded,
    );
    await first;
    const events = [1, 2, 3].map((n) => sampleEvent(n));
    await expect(commitTo(log.submissions, { records: [large(3)], events })).rejects.toMatchObject(
      overloaded,
    );
    await commitTo(log.submissions, { records: [large(3)] });
    await log.answers.save("a", sampleAnswer(1, "x".repeat(20_000)));
    expect((await log.submissions.counts()).lastNumber).toBe(3);
  });

  it("refuses a record that no table takes without failing the work of others", async () => {
    await using log = await open();
    const others = [log.append([sampleEvent(1)]), log.answers.save("a", sampleAnswer(1))];
    await expect(
      commitTo(log.submissions, { records: [sampleRecord(1, { dueTimeMs: Number.NaN })] }),
    ).rejects.toThrow(RangeError);
    await commitTo(log.submissions, { records: [sampleRecord(1), sampleRecord(2, { id: "submission-1" })] });
    await commitTo(log.submissions, { records: [sampleRecord(3, { dueTimeMs: 10.75 })] });
    await Promise.all(others);
    expect((await log.submissions.get("submission-1"))?.number).toBe(2);
    expect(await log.submissions.nextDue(0)).toBe(10);
  });

  /** Writes over the leaf pages of a table: the middle half of them. */
  async function damage(table: string): Promise<void> {
    const database = new DatabaseSync(file, { readOnly: true });
    const pages = database
      .prepare("SELECT pageno FROM dbstat WHERE name = ? AND pagetype = 'leaf' ORDER BY path")
      .all(table)
      .map((row) => Number(row.pageno));
    database.close();
    expect(pages.length).toBeGreaterThan(20);
    const middle = pages.slice(Math.floor(pages.length / 4), Math.floor((pages.length * 3) / 4));
    const handle = await openFile(file, "r+");
    for (const page of middle) await handle.write(Buffer.alloc(PAGE, 0xa5), 0, PAGE, (page - 1) * PAGE);
    await handle.close();
  }
});
