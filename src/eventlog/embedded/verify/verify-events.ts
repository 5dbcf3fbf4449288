import type { DatabaseSync, StatementSync } from "node:sqlite";
import { isSuperseded, MAX_COMPARED_STATUSES, type StatusMark } from "../../supersession.ts";
import type { LogState, ReadOnlyLog } from "../read-only-log.ts";
import type { Findings } from "./findings.ts";
import { CHECKED_COLUMNS, type CheckedRow, eventProblem, type IdentityColumns } from "./verify-event.ts";

/** Events that are read at a time; between two reads other work gets its turn. */
const EVENTS_PER_READ = 500;

const READ =
  `SELECT ${CHECKED_COLUMNS}, CAST(fingerprint AS TEXT) AS fingerprint, ` +
  "CASE WHEN message_id = '' THEN raw END AS raw " +
  "FROM events WHERE sequence > ? AND sequence <= ? ORDER BY sequence LIMIT ?";
const EARLIER =
  "SELECT rank, channel, occur_time AS occurTimeMs FROM events INDEXED BY events_identity " +
  "WHERE message_id = ? AND rank > 0 AND sequence < ? " +
  `ORDER BY rank DESC, channel DESC, occur_time DESC LIMIT ${MAX_COMPARED_STATUSES}`;

const COUNT = "SELECT earliest, head, events FROM log_state, replica_state";

type EventRow = CheckedRow & IdentityColumns;

/**
 * Goes once through the events of a log, from the first to what was the last
 * one at the start. Retention may remove events meanwhile: a gap that it has
 * left is none, and in a replica there may be gaps anywhere.
 */
export class EventPass {
  readonly #file: ReadOnlyLog;
  readonly #findings: Findings;
  readonly #start: LogState;
  readonly #read: StatementSync;
  readonly #marks: MarkCheck | undefined;
  #position: number;
  #recordTimeMs = 0;
  #checked = 0;

  /** @throws an error of node:sqlite */
  constructor(file: ReadOnlyLog, findings: Findings, checkMarks: boolean) {
    this.#file = file;
    this.#findings = findings;
    this.#start = file.state();
    this.#position = this.#start.earliest;
    this.#read = file.database.prepare(READ);
    this.#marks = checkMarks ? new MarkCheck(file.database, this.#start.earliest === 0) : undefined;
  }

  /** Events looked at so far. */
  get checked(): number {
    return this.#checked;
  }

  /** Events to be looked at in all, and not fewer: the gaps of a replica count. */
  get total(): number {
    return this.#start.head - this.#start.earliest;
  }

  /** Looks at some more events; false when there were none left. @throws an error of node:sqlite */
  step(): boolean {
    const rows = this.#read.all(this.#position, this.#start.head, EVENTS_PER_READ) as unknown as EventRow[];
    for (const row of rows) this.#check(row);
    if (rows.length > 0) return true;
    this.#checkEnd();
    return false;
  }

  #check(row: EventRow): void {
    const where = `event ${row.sequence}`;
    if (row.sequence !== this.#position + 1) this.#checkGap(row.sequence - 1);
    if (row.record_time < this.#recordTimeMs)
      this.#findings.add(where, "its record time is before that of the event before");
    const problem = eventProblem(row, row);
    if (problem !== undefined) this.#findings.add(where, problem);
    const mark = this.#marks?.problem(row);
    if (mark !== undefined) this.#findings.add(where, mark);
    this.#position = row.sequence;
    this.#recordTimeMs = row.record_time;
    this.#checked++;
  }

  /** Events after the position and up to `until` are not there. */
  #checkGap(until: number): void {
    if (this.#file.isReplica || until <= this.#file.state().earliest) return;
    const first = this.#position + 1;
    this.#findings.add(first === until ? `event ${first}` : `events ${first} to ${until}`, "missing");
  }

  #checkEnd(): void {
    const { head, lastRecordTimeMs } = this.#start;
    if (this.#position < head) this.#checkGap(head);
    if (lastRecordTimeMs < this.#recordTimeMs)
      this.#findings.add("state", "its last record time is before that of the last event");
    if (this.#file.isReplica) this.#checkCount();
  }

  /** Only of a replica that nobody has written meanwhile can the events be compared with their count. */
  #checkCount(): void {
    const { earliest, head, events } = this.#file.database.prepare(COUNT).get() ?? {};
    if (earliest !== this.#start.earliest || head !== this.#start.head || events === this.#checked) return;
    this.#findings.add("state", `it counts ${events} events and ${this.#checked} are there`);
  }
}

/** Works out the marks of superseded events again. */
class MarkCheck {
  readonly #earlier: StatementSync;
  /** Nothing was ever removed, so what made a mark is still there. */
  readonly #isComplete: boolean;

  constructor(database: DatabaseSync, isComplete: boolean) {
    this.#earlier = database.prepare(EARLIER);
    this.#isComplete = isComplete;
  }

  problem(row: CheckedRow): string | undefined {
    const isMarked = row.superseded === 1;
    if (isMarked && !this.#isComplete) return undefined;
    const isDue = this.#isDue(row);
    if (isDue === isMarked) return undefined;
    return isDue ? "is not marked as superseded and should be" : "is marked as superseded and should not be";
  }

  #isDue({ rank, channel, occur_time, message_id, sequence }: CheckedRow): boolean {
    if (rank === 0 || message_id === "") return false;
    const earlier = this.#earlier.all(message_id, sequence) as unknown as StatusMark[];
    return isSuperseded({ rank, channel, occurTimeMs: occur_time }, earlier);
  }
}
