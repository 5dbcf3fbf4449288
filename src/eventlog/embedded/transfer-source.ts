import { existsSync } from "node:fs";
import { join } from "node:path";
import type { StatementSync } from "node:sqlite";
import type { TransferCounts, TransferHeader } from "../transfer/transfer-format.ts";
import type { TransferItem } from "../transfer/transfer-items.ts";
import { EventLogOpenError } from "./open-failure.ts";
import { ReadOnlyLog } from "./read-only-log.ts";
import { SUBMISSION_COLUMNS, type SubmissionRow, wholeRecord } from "./submissions/submission-rows.ts";
import { LISTED_DEAD_LETTER, STORED_EVENT, toDeadLetter, toEvent, unreadable } from "./transfer-rows.ts";

import { lockForWriting } from "./writer-lock.ts";

/** Statements of everything, in the order of a transfer file. */
const EVENTS = `SELECT ${STORED_EVENT} FROM events ORDER BY sequence`;
const SUBSCRIPTIONS = "SELECT id, state FROM subscriptions ORDER BY id";
const DEAD_LETTERS = `SELECT ${LISTED_DEAD_LETTER} FROM dead_letters WHERE subscription_id = ? ORDER BY sequence`;
const SUBMISSIONS = `SELECT ${SUBMISSION_COLUMNS} FROM submissions ORDER BY number`;
const ANSWERS = "SELECT id, save_time, payload_hash, response FROM answers ORDER BY number";
const COUNTS =
  "SELECT (SELECT count(*) FROM subscriptions), " +
  "(SELECT count(*) FROM dead_letters JOIN subscriptions ON id = subscription_id), " +
  "(SELECT count(*) FROM submissions), (SELECT count(*) FROM answers), " +
  "(SELECT last_number FROM submission_state)";

type AnswerRow = [id: string, saveTimeMs: number, payloadHash: Uint8Array, response: Uint8Array];

/**
 * Everything that a log holds, as of one commit. Until it is disposed of no
 * service can write the log: what is sent and received by two services of one
 * past would be sent twice, and be missing in one of them.
 */
export class TransferSource implements Disposable {
  readonly header: TransferHeader;
  readonly #file: ReadOnlyLog;
  readonly #lock: Disposable;

  private constructor(file: ReadOnlyLog, lock: Disposable, nowMs: number) {
    this.#file = file;
    this.#lock = lock;
    // Where there is no lock to take, as in a copy, the transaction keeps the parts together.
    file.database.exec("BEGIN");
    const { logId, earliest, head } = file.state();
    const [subscriptions, deadLetters, submissions, answers, lastSubmissionNumber] = this.#prepare(
      COUNTS,
    ).get() as unknown as [number, number, number, number, number];
    const counts: TransferCounts = {
      events: head - earliest,
      subscriptions,
      deadLetters,
      submissions,
      answers,
    };
    this.header = { logId, earliest, head, lastSubmissionNumber, exportTimeMs: nowMs, counts };
  }

  /**
   * Opens the log in a directory; `nowMs` is the time that the header tells.
   *
   * @throws EventLogOpenError, IN_USE while a service writes the log; or an error of node:sqlite
   */
  static open(directory: string, nowMs: number): TransferSource {
    const file = ReadOnlyLog.open(directory);
    let lock: Disposable | undefined;
    try {
      lock = lockOf(directory);
      return new TransferSource(file, lock, nowMs);
    } catch (error) {
      lock?.[Symbol.dispose]();
      file[Symbol.dispose]();
      throw error;
    }
  }

  /**
   * Everything, one by one.
   *
   * @throws TransferError UNREADABLE, or an error of node:sqlite
   */
  *items(): Generator<TransferItem> {
    yield* this.#events();
    yield* this.#subscriptions();
    for (const row of this.#prepare(SUBMISSIONS).iterate())
      yield { kind: "submission", record: wholeRecord(row as unknown as SubmissionRow) };
    for (const row of this.#prepare(ANSWERS).iterate()) {
      const [requestId, saveTimeMs, payloadHash, response] = row as unknown as AnswerRow;
      yield { kind: "answer", requestId, saveTimeMs, payloadHash, response };
    }
  }

  [Symbol.dispose](): void {
    this.#file[Symbol.dispose]();
    this.#lock[Symbol.dispose]();
  }

  *#events(): Generator<TransferItem> {
    let expected = this.header.earliest + 1;
    for (const row of this.#prepare(EVENTS).iterate()) {
      const event = toEvent(row);
      if (event.sequence !== expected) throw unreadable(expected);
      expected++;
      yield event;
    }
    if (expected !== this.header.head + 1) throw unreadable(expected);
  }

  *#subscriptions(): Generator<TransferItem> {
    const deadLetters = this.#prepare(DEAD_LETTERS);
    for (const row of this.#prepare(SUBSCRIPTIONS).iterate()) {
      const [id, state] = row as unknown as [string, Uint8Array];
      yield { kind: "subscription", id, state };
      for (const letter of deadLetters.iterate(id)) yield toDeadLetter(id, letter);
    }
  }

  #prepare(sql: string): StatementSync {
    const statement = this.#file.database.prepare(sql);
    statement.setReturnArrays(true);
    return statement;
  }
}

/** A copy of a log has no lock file, and nobody writes it. */
function lockOf(directory: string): Disposable {
  const path = join(directory, "events.lock");
  if (!existsSync(path)) return { [Symbol.dispose]: () => undefined };
  try {
    return lockForWriting(path);
  } catch (error) {
    if (!(error instanceof EventLogOpenError) || error.reason !== "IN_USE") throw error;
    const advice = "stop it first, and do not start it on this directory again once the log was moved";
    throw new EventLogOpenError(
      "IN_USE",
      path,
      `a service writes the event log in ${directory}; ${advice}`,
      error,
    );
  }
}
