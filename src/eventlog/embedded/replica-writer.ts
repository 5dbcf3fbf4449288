import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { AppendResult } from "../event-log.ts";
import type { EventInserter } from "./event-inserter.ts";
import { unpackEntries } from "./replica-buffer.ts";

/** What applying entries has done. */
export interface AppliedEntries {
  readonly result: AppendResult;
  /** Unix milliseconds; that of the event before when no entry has a later one. */
  readonly lastRecordTimeMs: number;
}

/** Stores entries of another log under the sequences they have there, and counts what is kept. */
export class ReplicaWriter {
  readonly #inserter: EventInserter;
  readonly #added: StatementSync;
  readonly #removed: StatementSync;

  /** @throws an error of node:sqlite when the file is no replica */
  constructor(database: DatabaseSync, inserter: EventInserter) {
    this.#inserter = inserter;
    this.#added = database.prepare("UPDATE replica_state SET events = events + ?, last_event = ?");
    this.#removed = database.prepare("UPDATE replica_state SET events = events - ?");
  }

  /** Inserts packed entries within the writer's transaction; repeats are left out. */
  apply(batch: ArrayBuffer, lastRecordTimeMs: number): AppliedEntries {
    const bytes = Buffer.from(batch);
    let timeMs = lastRecordTimeMs;
    let appended = 0;
    let duplicates = 0;
    let last = 0;
    for (const { sequence, recordTimeMs, event } of unpackEntries(bytes)) {
      if (recordTimeMs > timeMs) timeMs = recordTimeMs;
      if (this.#inserter.insert(bytes, event, sequence, timeMs)) {
        appended++;
        last = sequence;
      } else duplicates++;
    }
    if (appended > 0) this.#added.run(appended, last);
    return { result: { appended, duplicates }, lastRecordTimeMs: timeMs };
  }

  /** Events were removed. */
  removed(events: number): void {
    this.#removed.run(events);
  }
}
