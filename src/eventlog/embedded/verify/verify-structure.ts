import { DatabaseSync } from "node:sqlite";
import { CROWD, createReplicaTables, createTables } from "../tables.ts";
import { type Findings, MAX_FINDINGS } from "./findings.ts";

const OBJECTS = "SELECT type, name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' ORDER BY name";
/** Messages whose events are many and not all in the indexes for such messages. */
const INCOMPLETE_CROWDS = `
  SELECT count(*) AS crowds FROM (
    SELECT message_id, count(*) AS events FROM events INDEXED BY events_identity
    WHERE message_id > '' GROUP BY message_id HAVING events > ${CROWD}
  ) AS crowd
  WHERE events <> (
    SELECT count(*) FROM events INDEXED BY events_of_crowded WHERE crowded = 1 AND message_id = crowd.message_id
  )`;

/** SQLite's own check of the whole file: pages, rows, and every index against its table. */
export function verifyPages(database: DatabaseSync, findings: Findings): void {
  // One more than is listed, so that the rest shows.
  for (const row of database.prepare(`PRAGMA integrity_check(${MAX_FINDINGS + 1})`).iterate()) {
    const text = String(Object.values(row)[0]);
    if (text !== "ok") findings.add("file", text);
  }
}

/** Compares tables and indexes with those that the service would create; false when one of those is not there. */
export function verifyTables(database: DatabaseSync, findings: Findings, isReplica = false): boolean {
  const found = objectsOf(database);
  using fresh = new DatabaseSync(":memory:");
  if (isReplica) createReplicaTables(fresh, "");
  else createTables(fresh, "");
  const expected = objectsOf(fresh);
  for (const [name, sql] of expected) {
    if (!found.has(name)) findings.add(name, "is missing");
    else if (found.get(name) !== sql) findings.add(name, "is not defined as this version defines it");
  }
  for (const name of found.keys()) if (!expected.has(name)) findings.add(name, "is none of an event log");
  return [...expected.keys()].every((name) => found.has(name));
}

/** Whether the indexes for messages with very many events hold all of theirs. */
export function verifyCrowds(database: DatabaseSync, findings: Findings): void {
  const crowds = Number(database.prepare(INCOMPLETE_CROWDS).get()?.crowds);
  if (crowds > 0) findings.add("events_of_crowded", `lacks events of ${crowds} messages`);
}

function objectsOf(database: DatabaseSync): Map<string, string> {
  const rows = database.prepare(OBJECTS).all();
  return new Map(rows.map((row) => [`${row.type} ${row.name}`, String(row.sql)]));
}
