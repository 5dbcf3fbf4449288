import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DatabaseSync, SQLInputValue } from "node:sqlite";
import { openEmbeddedLog } from "../../src/eventlog/embedded/open-embedded-log.ts";
import { openWriterDatabase } from "../../src/eventlog/embedded/schema.ts";
import { WebhookReceiver } from "../../src/webhook/receiver.ts";
import { cpuMicroseconds } from "../process-usage.ts";

/*
 * The least that durable intake can cost in this language: JSON.parse of each
 * body and the insert of the very rows that the product stores for it, one
 * synced transaction a body, in one thread, without HTTP. The rows are made by
 * the product beforehand, outside of what is measured.
 */

/** A peer in a process of its own. */
export interface InsertPeer extends AsyncDisposable {
  /** Parses and inserts; resolves with the CPU it took, in microseconds. */
  run(bodies: readonly string[]): Promise<number>;
}

/** Starts the peer. */
export async function insertPeer(): Promise<InsertPeer> {
  const child = fork(new URL(import.meta.url), { execArgv: [], serialization: "advanced" });
  await once(child, "message");
  return {
    async run(bodies) {
      child.send(bodies);
      const [used] = (await once(child, "message")) as [number];
      return used;
    },
    [Symbol.asyncDispose]: () => end(child),
  };
}

async function end(child: ChildProcess): Promise<void> {
  child.disconnect();
  if (child.exitCode === null) await once(child, "exit");
}

type Values = readonly SQLInputValue[];

/** The rows of each body, made by the product's own intake and log. */
async function rowsOf(bodies: readonly string[], directory: string): Promise<Values[][]> {
  const rows: Values[][] = [];
  {
    await using log = await openEmbeddedLog({ directory });
    const receiver = new WebhookReceiver({ log, appendTimeoutMs: 60_000 });
    for (const body of bodies) await receiver.receive("delivery", Buffer.from(body));
  }
  using database = openWriterDatabase({
    file: join(directory, "events.db"),
    newLogId: "0".repeat(16),
    maxBytes: 2 ** 40,
  });
  const statement = database.prepare("SELECT * FROM events ORDER BY sequence");
  statement.setReturnArrays(true);
  statement.setReadBigInts(true);
  const all = statement.all() as unknown as Values[];
  const perBody = all.length / bodies.length;
  for (let i = 0; i < bodies.length; i++) rows.push(all.slice(i * perBody, (i + 1) * perBody));
  return rows;
}

function insertAll(database: DatabaseSync, bodies: readonly string[], rows: readonly Values[][]): number {
  const marks = (rows[0]?.[0] ?? []).map(() => "?").join(", ");
  const insert = database.prepare(`INSERT INTO events VALUES (${marks}) ON CONFLICT DO NOTHING`);
  const { next } = database.prepare("SELECT coalesce(max(sequence), 0) + 1 AS next FROM events").get() ?? {};
  let sequence = Number(next);
  const before = cpuMicroseconds(process.pid);
  for (const [index, body] of bodies.entries()) {
    JSON.parse(body);
    database.exec("BEGIN IMMEDIATE");
    for (const [, ...values] of rows[index] ?? []) insert.run(sequence++, ...values);
    database.exec("COMMIT");
  }
  return cpuMicroseconds(process.pid) - before;
}

async function serve(): Promise<void> {
  const base = mkdtempSync(join(tmpdir(), "infobip-rpc-bench-peer-"));
  process.on("exit", () => rmSync(base, { recursive: true, force: true }));
  const database = openWriterDatabase({
    file: join(base, "peer.db"),
    newLogId: "0".repeat(16),
    maxBytes: 2 ** 40,
  });
  let run = 0;
  process.on("message", (bodies: string[]) => {
    void rowsOf(bodies, join(base, `rows-${run++}`)).then((rows) =>
      process.send?.(insertAll(database, bodies, rows)),
    );
  });
  process.send?.("ready");
}

if (process.argv[1] === new URL(import.meta.url).pathname) await serve();
