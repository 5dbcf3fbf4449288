import { withoutCommitFields } from "../transfer/commit-fields.ts";
import { packOne } from "../transfer/packed-event.ts";
import { TransferError } from "../transfer/transfer-error.ts";
import type { TransferredDeadLetter, TransferredEvent } from "../transfer/transfer-items.ts";
import { columnsOfRow, EVENT_ROW_COLUMNS, type EventRow } from "./event-rows.ts";

/** A fingerprint fills all 64 bits, more than a number holds, so it is read as text. */
export const STORED_EVENT = `CAST(fingerprint AS TEXT), ${EVENT_ROW_COLUMNS}, raw`;
/** What is read of a dead letter. */
export const LISTED_DEAD_LETTER = `attempts, dead_time, failure, redriven, ${EVENT_ROW_COLUMNS}, raw`;

type StoredEventRow = [fingerprint: string, ...event: EventRow];
type DeadLetterRow = [
  attempts: number,
  deadTimeMs: number,
  failure: TransferredDeadLetter["failure"],
  redriven: number,
  ...event: EventRow,
];
const LETTER_COLUMNS = 4;
const NO_FINGERPRINT = Buffer.alloc(8);

/** The event of a row of {@link STORED_EVENT}. @throws TransferError UNREADABLE */
export function toEvent(row: unknown): TransferredEvent {
  const [fingerprint, ...event] = row as StoredEventRow;
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(BigInt(fingerprint));
  return { kind: "event", ...pack(event, bytes) };
}

/** The dead letter of a row of {@link LISTED_DEAD_LETTER}. @throws TransferError UNREADABLE */
export function toDeadLetter(subscriptionId: string, row: unknown): TransferredDeadLetter {
  const letter = row as DeadLetterRow;
  const [attempts, deadTimeMs, failure, redriven] = letter;
  const event = pack(letter.slice(LETTER_COLUMNS) as EventRow, NO_FINGERPRINT);
  return {
    kind: "deadLetter",
    subscriptionId,
    ...event,
    attempts,
    deadTimeMs,
    failure,
    redriven: redriven === 1,
  };
}

/** The error for an event that is missing or that has no sound end. */
export function unreadable(sequence: number): TransferError {
  const advice =
    "log verify tells what is wrong; restore the log from a copy, or save what can be read with log export without --format";
  return new TransferError("UNREADABLE", `event ${sequence} of the log is missing or damaged; ${advice}`);
}

function pack(row: EventRow, fingerprint: Uint8Array): Omit<TransferredEvent, "kind"> {
  const [sequence, recordTimeMs] = row;
  const superseded = row[7] === 1;
  const encoded = withoutCommitFields(row[14], recordTimeMs, superseded);
  const raw = row[15];
  if (encoded === undefined || raw === undefined) throw unreadable(sequence);
  const packed = packOne({ columns: columnsOfRow(row), fingerprint, encoded, raw, superseded });
  return { sequence, recordTimeMs, packed };
}
