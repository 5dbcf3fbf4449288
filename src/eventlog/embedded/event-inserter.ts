import type { DatabaseSync, StatementSync } from "node:sqlite";
import { writeRecordTime, writeSuperseded } from "../stored-event.ts";
import { isSuperseded, MAX_COMPARED_STATUSES, type StatusMark } from "../supersession.ts";
import type { PackedEvent } from "./batch-buffer.ts";
import { CROWD } from "./tables.ts";

/** What the log holds of an event's message already. */
interface Standing {
  readonly superseded: boolean;
  /** Events, counted up to one more than CROWD. */
  readonly count: number;
}

type EarlierRow = [rank: number, channel: number, occurTimeMs: number];

const ALONE: Standing = { superseded: false, count: 0 };
const OF_MESSAGE = "FROM events INDEXED BY events_identity WHERE message_id = ?";
const STRONGEST_FIRST = "ORDER BY rank DESC, channel DESC, occur_time DESC LIMIT";

/** Inserts events into the table, each compared with those of its message that are there. */
export class EventInserter {
  readonly #insert: StatementSync;
  readonly #strongest: StatementSync;
  readonly #count: StatementSync;
  readonly #statuses: StatementSync;
  readonly #crowd: StatementSync;

  constructor(database: DatabaseSync) {
    this.#insert = database.prepare(
      "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
    );
    const prepare = (sql: string): StatementSync => {
      const statement = database.prepare(sql);
      statement.setReturnArrays(true);
      return statement;
    };
    const marks = `SELECT rank, channel, occur_time ${OF_MESSAGE}`;
    this.#strongest = prepare(`${marks} ${STRONGEST_FIRST} 1`);
    this.#statuses = prepare(`${marks} AND rank > 0 ${STRONGEST_FIRST} ${MAX_COMPARED_STATUSES}`);
    this.#count = prepare(`SELECT count(*) FROM (SELECT 1 ${OF_MESSAGE} LIMIT ${CROWD + 1})`);
    this.#crowd = database.prepare("UPDATE events SET crowded = 1 WHERE message_id = ? AND crowded = 0");
  }

  /** Inserts an event of a batch; false when the log has it already. */
  insert(batch: Buffer, event: PackedEvent, sequence: number, timeMs: number): boolean {
    const standing = this.#standingOf(event);
    const { count } = standing;
    const superseded = standing.superseded || event.superseded === 1;
    let encodedEnd = writeRecordTime(batch, event.encodedEnd, timeMs);
    if (superseded) encodedEnd = writeSuperseded(batch, encodedEnd);
    const encoded = batch.subarray(event.encodedAt, encodedEnd);
    const { changes } = this.#insert.run(
      sequence,
      timeMs,
      event.type,
      event.channel,
      event.final,
      event.rank,
      event.occurTimeMs,
      superseded ? 1 : 0,
      count >= CROWD ? 1 : 0,
      event.messageId,
      event.fingerprint,
      event.bulkId,
      event.sender,
      event.destination,
      event.applicationId,
      event.entityId,
      encoded,
      event.raw,
    );
    if (changes === 0) return false;
    if (count === CROWD) this.#crowd.run(event.messageId);
    return true;
  }

  /** Without a message id there is no message to compare with. Most messages have no event yet: one look settles that. */
  #standingOf(event: PackedEvent): Standing {
    if (event.messageId === "") return ALONE;
    const strongest = this.#strongest.get(event.messageId) as EarlierRow | undefined;
    if (strongest === undefined) return ALONE;
    const [count] = this.#count.get(event.messageId) as unknown as [number];
    return { superseded: this.#isSuperseded(event, strongest, count), count };
  }

  /** The strongest status nearly always decides; the others count where a failover has brought several channels. */
  #isSuperseded(event: PackedEvent, strongest: EarlierRow, count: number): boolean {
    if (event.rank === 0 || strongest[0] === 0) return false;
    if (isSuperseded(event, [markOf(strongest)])) return true;
    if (count === 1) return false;
    const statuses = this.#statuses.all(event.messageId) as unknown as EarlierRow[];
    return isSuperseded(event, statuses.map(markOf));
  }
}

function markOf([rank, channel, occurTimeMs]: EarlierRow): StatusMark {
  return { rank, channel, occurTimeMs };
}
