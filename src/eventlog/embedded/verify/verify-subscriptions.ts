import type { DatabaseSync } from "node:sqlite";
import type { DeadLetterRecord } from "../../subscription-engine.ts";
import type { ReadOnlyLog } from "../read-only-log.ts";
import { decodeState, type SubscriptionState } from "../subscriptions/subscription-state.ts";
import type { Findings } from "./findings.ts";
import { CHECKED_COLUMNS, type CheckedRow, eventProblem } from "./verify-event.ts";

const DEAD_LETTERS =
  `SELECT rowid, subscription_id, attempts, failure, redriven, ${CHECKED_COLUMNS}, ` +
  "subscription_id IN (SELECT id FROM subscriptions) AS is_known " +
  "FROM dead_letters WHERE rowid > ? ORDER BY rowid LIMIT 200";

const FAILURES: ReadonlySet<string> = new Set<DeadLetterRecord["lastFailure"]>([
  "NACK",
  "LEASE_EXPIRED",
  "CONNECTION_LOST",
]);

type DeadLetterRow = CheckedRow & {
  readonly rowid: number;
  readonly subscription_id: string;
  readonly attempts: number;
  readonly failure: string;
  readonly is_known: number;
};

/** Decodes every subscription and compares it with the log; how many there are. @throws an error of node:sqlite */
export function verifySubscriptions(file: ReadOnlyLog, findings: Findings): number {
  const rows = file.database.prepare("SELECT id, state FROM subscriptions ORDER BY id").all();
  const { head } = file.state();
  for (const { id, state } of rows) {
    const where = `subscription ${id}`;
    const decoded = decode(state as Uint8Array);
    if (decoded === undefined) findings.add(where, "its state cannot be decoded");
    else if (decoded.position > head) findings.add(where, "its position is past the end of the log");
    else if ((decoded.unsettled.first?.sequence ?? 0) > decoded.position)
      findings.add(where, "an event that waits is past its position");
  }
  return rows.length;
}

/** Decodes dead letters from a row on; gives the row to go on after, undefined at the end. @throws an error of node:sqlite */
export function verifyDeadLetters(
  database: DatabaseSync,
  afterRow: number,
  findings: Findings,
): { readonly checked: number; readonly lastRow: number | undefined } {
  const rows = database.prepare(DEAD_LETTERS).all(afterRow) as unknown as DeadLetterRow[];
  for (const row of rows) {
    const problem = eventProblem(row) ?? letterProblem(row);
    if (problem !== undefined)
      findings.add(`dead letter ${row.sequence} of subscription ${row.subscription_id}`, problem);
  }
  return { checked: rows.length, lastRow: rows.at(-1)?.rowid };
}

function letterProblem({ attempts, failure, is_known }: DeadLetterRow): string | undefined {
  if (is_known === 0) return "its subscription does not exist";
  if (attempts < 1) return "it was never delivered";
  return FAILURES.has(failure) ? undefined : "its last failure has no known name";
}

function decode(state: Uint8Array): SubscriptionState | undefined {
  try {
    return decodeState(state);
  } catch {
    return undefined;
  }
}
