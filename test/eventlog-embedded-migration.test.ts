import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openEmbeddedLog } from "../src/eventlog/embedded/open-embedded-log.ts";
import { ReadOnlyLog } from "../src/eventlog/embedded/read-only-log.ts";
import { Findings } from "../src/eventlog/embedded/verify/findings.ts";
import { verifyAnswers, verifySubmissions } from "../src/eventlog/embedded/verify/verify-sending.ts";
import { verifyPages, verifyTables } from "../src/eventlog/embedded/verify/verify-structure.ts";
import { plainAnswer, sampleAnswer } from "./answer-samples.ts";
import { messageIds, sampleEvents } from "./event-log-samples.ts";
import { commitTo, plainRecord, sampleRecord } from "./submission-samples.ts";

const STATE = Buffer.from("state");

describe("an embedded log of the version before", () => {
  let directory: string;
  let file: string;
  let logId: string;

  const sql = (text: string): unknown[] => {
    const database = new DatabaseSync(file);
    try {
      return database.prepare(text).all();
    } finally {
      database.close();
    }
  };
  const version = () => sql("PRAGMA user_version");

  /** Takes away what version 3 has added. */
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "eventlog-"));
    file = join(directory, "events.db");
    const log = await openEmbeddedLog({ directory });
    logId = log.id;
    await log.append(sampleEvents(1, 100));
    await log.subscriptions.commit([{ kind: "put", id: "orders", state: STATE }]);
    await log.removeThrough(40);
    await log[Symbol.asyncDispose]();
    for (const table of ["answers", "answer_state", "submissions", "submission_state", "submission_totals"])
      sql(`DROP TABLE ${table}`);
    sql("PRAGMA user_version = 2");
    sql("VACUUM");
  });

  afterEach(() => rm(directory, { recursive: true }));

  it("gets what it lacks when it is opened, and keeps everything", async () => {
    {
      await using log = await openEmbeddedLog({ directory });
      expect([log.id, log.bounds()]).toEqual([logId, { earliest: 40, head: 100 }]);
      expect(await messageIds(log, 40)).toEqual(sampleEvents(41, 100).map((e) => e.columns.messageId));
      expect(log.subscriptions.load()).toMatchObject([{ id: "orders", deadLetters: 0 }]);
      expect(await log.append(sampleEvents(100, 101))).toEqual({ appended: 1, duplicates: 1 });
      await log.answers.save("a", sampleAnswer(1));
      await commitTo(log.submissions, { records: [sampleRecord(1)], events: sampleEvents(102, 102) });
    }
    expect(version()).toEqual([{ user_version: 3 }]);
    await using again = await openEmbeddedLog({ directory });
    expect(plainAnswer(await again.answers.find("a"))).toEqual(plainAnswer(sampleAnswer(1)));
    expect(plainRecord(await again.submissions.get("submission-1"))).toEqual(plainRecord(sampleRecord(1)));
    using opened = ReadOnlyLog.open(directory);
    const findings = new Findings();
    verifyPages(opened.database, findings);
    expect(verifyTables(opened.database, findings)).toBe(true);
    expect(verifyAnswers(opened.database, findings)).toBe(1);
    expect(verifySubmissions(opened.database, findings)).toBe(1);
    expect(findings.listed).toEqual([]);
  });

  it("stays as it is when there is no room for what it lacks, and is taken up later", async () => {
    const { size } = await stat(file);
    await expect(openEmbeddedLog({ directory, maxFileBytes: size })).rejects.toMatchObject({
      reason: "INACCESSIBLE",
    });
    expect(version()).toEqual([{ user_version: 2 }]);
    await using log = await openEmbeddedLog({ directory });
    expect(await messageIds(log, 40)).toHaveLength(60);
  });

  it("is refused by what only reads it, with advice", () => {
    expect(() => ReadOnlyLog.open(directory)).toThrow(
      /version 2.*version 3; start this version of the service/,
    );
  });

  it("is refused when it is of version 1, or damaged, and left as it is", async () => {
    sql("PRAGMA user_version = 1");
    await expect(openEmbeddedLog({ directory })).rejects.toMatchObject({ reason: "OTHER_VERSION" });
    sql("PRAGMA user_version = 2");
    sql("DELETE FROM events WHERE sequence = 100");
    await expect(openEmbeddedLog({ directory })).rejects.toMatchObject({ reason: "CORRUPT" });
    expect(version()).toEqual([{ user_version: 2 }]);
  });
});
