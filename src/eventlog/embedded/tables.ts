import type { DatabaseSync } from "node:sqlite";
import { SENDING_TABLES } from "./sending-tables.ts";

/** Marks a file as an event log of this service: "IBLG". */
export const APPLICATION_ID = 0x49424c47;
/** Version of the tables; a file of another version is refused, but for {@link MIGRATED_VERSION}. */
export const SCHEMA_VERSION = 3;
/** Version of files that the writer brings to {@link SCHEMA_VERSION} when it opens them: it lacks the tables of sending-tables.ts. */
export const MIGRATED_VERSION = 2;

/** Marks a file as a replica of an event log that lives elsewhere: "IBLR". Neither kind of file is opened as the other. */
export const REPLICA_APPLICATION_ID = 0x49424c52;
/** Version of a replica's tables; a replica of another version is built anew. */
export const REPLICA_SCHEMA_VERSION = 1;

/**
 * Events of one message from which on it is crowded: then all of its events
 * stand in the two indexes of crowded messages, in the order of the log. The
 * events of any other message are few enough to be looked at one by one.
 */
export const CROWD = 64;

/*
 * The key columns come first and the long ones last, so that a scan which needs
 * no raw body never follows its pages.
 *
 * What tells two events of one message apart is the fingerprint. Rank, channel
 * and time are functions of what it is over: they stand before it in the key so
 * that the statuses of a message are found strongest first, on the page that
 * the event's own key goes to.
 */
const EVENT_COLUMNS = `
    sequence INTEGER PRIMARY KEY,
    record_time INTEGER NOT NULL,
    type INTEGER NOT NULL,
    channel INTEGER NOT NULL,
    final INTEGER NOT NULL,
    rank INTEGER NOT NULL,
    occur_time INTEGER NOT NULL,
    superseded INTEGER NOT NULL,
    crowded INTEGER NOT NULL,
    message_id TEXT NOT NULL,
    fingerprint INTEGER NOT NULL,
    bulk_id TEXT NOT NULL,
    sender TEXT NOT NULL,
    destination TEXT NOT NULL,
    application_id TEXT NOT NULL,
    entity_id TEXT NOT NULL,
    encoded BLOB NOT NULL,
    raw BLOB NOT NULL`;

const TABLES = `
  CREATE TABLE log_state (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    log_id TEXT NOT NULL,
    earliest INTEGER NOT NULL,
    head INTEGER NOT NULL,
    last_record_time INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE events (${EVENT_COLUMNS}
  ) STRICT;
  CREATE UNIQUE INDEX events_identity ON events (message_id, rank, channel, occur_time, fingerprint);
  CREATE INDEX events_of_crowded ON events (message_id) WHERE crowded = 1;
  CREATE INDEX statuses_of_crowded ON events (message_id) WHERE crowded = 1 AND rank > 0 AND superseded = 0;
  CREATE TABLE subscriptions (
    id TEXT PRIMARY KEY,
    state BLOB NOT NULL
  ) STRICT;
  CREATE TABLE dead_letters (
    subscription_id TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    record_time INTEGER NOT NULL,
    type INTEGER NOT NULL,
    channel INTEGER NOT NULL,
    final INTEGER NOT NULL,
    rank INTEGER NOT NULL,
    occur_time INTEGER NOT NULL,
    superseded INTEGER NOT NULL,
    message_id TEXT NOT NULL,
    bulk_id TEXT NOT NULL,
    sender TEXT NOT NULL,
    destination TEXT NOT NULL,
    application_id TEXT NOT NULL,
    entity_id TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    dead_time INTEGER NOT NULL,
    failure TEXT NOT NULL,
    redriven INTEGER NOT NULL,
    encoded BLOB NOT NULL,
    raw BLOB NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX dead_letters_identity ON dead_letters (subscription_id, sequence);
  CREATE INDEX dead_letters_redriven ON dead_letters (subscription_id, sequence) WHERE redriven = 1;
  CREATE TABLE trial (filler BLOB NOT NULL) STRICT;
`;

/** What a replica has beyond a log, whose head is the position up to which entries were applied. */
const REPLICA_TABLES = `
  CREATE TABLE replica_state (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    events INTEGER NOT NULL,
    last_event INTEGER NOT NULL
  ) STRICT;
  INSERT INTO replica_state VALUES (1, 0, 0);
`;

/** Creates the tables of a log in an empty file. */
export function createTables(database: DatabaseSync, logId: string): void {
  create(database, logId, "", APPLICATION_ID, SCHEMA_VERSION);
}

/** Creates the tables of a replica in an empty file. */
export function createReplicaTables(database: DatabaseSync, logId: string): void {
  create(database, logId, REPLICA_TABLES, REPLICA_APPLICATION_ID, REPLICA_SCHEMA_VERSION);
}

function create(
  database: DatabaseSync,
  logId: string,
  furtherTables: string,
  applicationId: number,
  version: number,
): void {
  database.exec("BEGIN IMMEDIATE");
  database.exec(TABLES);
  database.exec(SENDING_TABLES);
  database.exec(furtherTables);
  database.exec(`PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${version}`);
  database.prepare("INSERT INTO log_state VALUES (1, ?, 0, 0, 0)").run(logId);
  database.exec("COMMIT");
}

/** Brings a log of {@link MIGRATED_VERSION} to {@link SCHEMA_VERSION}: all or nothing, and everything in it stays. */
export function migrateTables(database: DatabaseSync): void {
  database.exec("BEGIN IMMEDIATE");
  database.exec(SENDING_TABLES);
  database.exec(`PRAGMA user_version = ${SCHEMA_VERSION}`);
  database.exec("COMMIT");
}
