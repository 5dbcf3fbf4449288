import type {
  SubmissionState,
  UnknownOutcomePolicy,
} from "../../../../gen/infobip/messages/v1/submission_pb.js";
import type { SubmissionRecord } from "../../submission-store.ts";

/** Columns of a {@link ListedRow}. */
export const LISTED_COLUMNS =
  "number, state, policy, create_time, update_time, send_after, expire_after, due_time, attempts, " +
  "destinations, id, payload_hash, outcome";
/** Columns of a {@link SubmissionRow}. */
export const SUBMISSION_COLUMNS = `${LISTED_COLUMNS}, outcome_rest, request`;

/** What lists show, as a statement that returns arrays gives it. */
export type ListedRow = [
  number: number,
  state: SubmissionState,
  policy: UnknownOutcomePolicy,
  createTimeMs: number,
  updateTimeMs: number,
  sendAfterMs: number,
  expireAfterMs: number,
  dueTimeMs: number,
  attempts: number,
  destinations: number,
  id: string,
  payloadHash: Uint8Array,
  outcome: Uint8Array,
];

/** A whole record. */
export type SubmissionRow = [...listed: ListedRow, outcomeRest: Uint8Array, request: Uint8Array];

const NO_BYTES = new Uint8Array();

/** The record of a row in a list. */
export function listedRecord(row: ListedRow): SubmissionRecord {
  return toRecord(row, NO_BYTES, row[12]);
}

/** The record of a row. */
export function wholeRecord(row: SubmissionRow): SubmissionRecord {
  const [outcome, rest, request] = [row[12], row[13], row[14]];
  return toRecord(row, request, rest.length === 0 ? outcome : Buffer.concat([outcome, rest]));
}

function toRecord(
  row: ListedRow | SubmissionRow,
  request: Uint8Array,
  outcome: Uint8Array,
): SubmissionRecord {
  return {
    number: row[0],
    id: row[10],
    state: row[1],
    policy: row[2],
    createTimeMs: row[3],
    updateTimeMs: row[4],
    sendAfterMs: row[5],
    expireAfterMs: row[6],
    dueTimeMs: row[7],
    attempts: row[8],
    destinations: row[9],
    payloadHash: row[11],
    request,
    outcome,
  };
}
