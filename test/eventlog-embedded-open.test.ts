import { mkdir, mkdtemp, readFile, rm, stat, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { prepareLogFiles } from "../src/eventlog/embedded/log-files.ts";
import { openEmbeddedLog } from "../src/eventlog/embedded/open-embedded-log.ts";
import { EventLogOpenError } from "../src/eventlog/embedded/open-failure.ts";
import { messageIds, sampleEvent } from "./event-log-samples.ts";

describe("opening an embedded log", () => {
  let parent: string;
  let directory: string;
  let file: string;

  beforeEach(async () => {
    parent = await mkdtemp(join(tmpdir(), "eventlog-"));
    directory = join(parent, "deep", "data");
    file = join(directory, "events.db");
  });

  afterEach(() => rm(parent, { recursive: true }));

  const refusal = async (): Promise<EventLogOpenError> => {
    const result = await openEmbeddedLog({ directory }).then(
      async (log) => log[Symbol.asyncDispose](),
      (error: unknown) => error,
    );
    expect(result).toBeInstanceOf(EventLogOpenError);
    return result as EventLogOpenError;
  };

  const ruin = (sql: string): void => {
    const database = new DatabaseSync(file);
    database.exec(sql);
    database.close();
  };

  it("creates directory and files for their owner only", async () => {
    await using log = await openEmbeddedLog({ directory });
    await log.append([sampleEvent(1)]);
    const modes = await Promise.all(
      [directory, file, `${file}-wal`, `${file}-shm`, join(directory, "events.lock")].map(
        async (path) => (await stat(path)).mode & 0o777,
      ),
    );
    expect(modes).toEqual([0o700, 0o600, 0o600, 0o600, 0o600]);
  });

  it("gives each new log an id of its own and keeps it", async () => {
    const first = await openEmbeddedLog({ directory });
    await first[Symbol.asyncDispose]();
    await using again = await openEmbeddedLog({ directory });
    await using other = await openEmbeddedLog({ directory: join(parent, "other") });
    expect(again.id).toBe(first.id);
    expect(other.id).not.toBe(first.id);
  });

  it("refuses a file that is no SQLite database and leaves it as it is", async () => {
    await mkdir(directory, { recursive: true });
    await writeFile(file, "precious notes, not a database ".repeat(100));
    const error = await refusal();
    expect(error.reason).toBe("NOT_A_LOG");
    expect(error.file).toBe(file);
    expect(error.message).toContain(file);
    expect(await readFile(file, "utf8")).toBe("precious notes, not a database ".repeat(100));
  });

  it("refuses another program's database and leaves it as it is", async () => {
    await mkdir(directory, { recursive: true });
    ruin("CREATE TABLE theirs (x); INSERT INTO theirs VALUES (1)");
    const before = await readFile(file);
    expect((await refusal()).reason).toBe("NOT_A_LOG");
    expect(await readFile(file)).toEqual(before);
  });

  it("refuses another schema version, naming both", async () => {
    await (await openEmbeddedLog({ directory }))[Symbol.asyncDispose]();
    ruin("PRAGMA user_version = 99");
    const error = await refusal();
    expect(error.reason).toBe("OTHER_VERSION");
    expect(error.message).toMatch(/version 99.*version 3/);
  });

  it("refuses a second log of the same process without harming the first", async () => {
    await using log = await openEmbeddedLog({ directory });
    expect((await refusal()).reason).toBe("IN_USE");
    expect((await refusal()).reason).toBe("IN_USE");
    await log.append([sampleEvent(1)]);
    expect(await messageIds(log)).toEqual(["m-1"]);
  });

  describe("of a damaged file", () => {
    const fill = async (): Promise<void> => {
      await using log = await openEmbeddedLog({ directory });
      await log.append(Array.from({ length: 200 }, (_, n) => sampleEvent(n + 1, {}, "x".repeat(2_000))));
    };

    it.each<[string, () => Promise<void> | void]>([
      ["is cut off", () => truncate(file, 100_000)],
      ["lost its last events", () => ruin("DELETE FROM events WHERE sequence > 150")],
      ["lost its first events", () => ruin("DELETE FROM events WHERE sequence < 5")],
      ["lost all events", () => ruin("DELETE FROM events")],
      ["lost its state", () => ruin("DELETE FROM log_state")],
      ["lost its index", () => ruin("DROP INDEX events_identity")],
      ["lost a table", () => ruin("DROP TABLE events")],
      ["lost the table of answers", () => ruin("DROP TABLE answers")],
      ["lost the table of submissions", () => ruin("DROP TABLE submissions")],
      ["lost the state of answers", () => ruin("DELETE FROM answer_state")],
      ["lost the totals of submissions", () => ruin("DROP TABLE submission_totals")],
    ])("refuses one that %s, and says what to do", async (_, damage) => {
      await fill();
      await damage();
      const error = await refusal();
      expect(error.reason).toBe("CORRUPT");
      expect(error.message).toContain("restore it from a copy, or move it away");
      expect(error.message).not.toContain("free space");
    });

    it("takes a log whose events were all removed", async () => {
      await fill();
      const log = await openEmbeddedLog({ directory });
      await log.removeThrough(200);
      await log[Symbol.asyncDispose]();
      await using again = await openEmbeddedLog({ directory });
      expect(again.bounds()).toEqual({ earliest: 200, head: 200 });
    });
  });

  it("opens again after a refusal and after being closed", async () => {
    await (await openEmbeddedLog({ directory }))[Symbol.asyncDispose]();
    ruin("PRAGMA user_version = 99");
    await refusal();
    ruin("PRAGMA user_version = 3");
    await (await openEmbeddedLog({ directory }))[Symbol.asyncDispose]();
  });

  it("creates the tables in a file that a crash left empty", async () => {
    await mkdir(directory, { recursive: true });
    ruin("PRAGMA journal_mode = WAL");
    await using log = await openEmbeddedLog({ directory });
    expect(await log.append([sampleEvent(1)])).toEqual({ appended: 1, duplicates: 0 });
  });

  it("refuses a directory that is a file, with advice", async () => {
    await mkdir(join(parent, "deep"));
    await writeFile(directory, "");
    const error = await refusal();
    expect(error.reason).toBe("INACCESSIBLE");
    expect(error.message).toContain("check that its directory exists");
  });

  it("refuses a directory that can never be made, at once", () => {
    expect(() => prepareLogFiles("/proc/none/deep")).toThrow(
      expect.objectContaining({ reason: "INACCESSIBLE" }),
    );
  });

  it("refuses a file that it cannot open for writing", async () => {
    await mkdir(file, { recursive: true });
    expect((await refusal()).reason).toBe("INACCESSIBLE");
  });
});
