import { LIST_OUTCOME_BYTES, type SubmissionCommit, type SubmissionRecord } from "../../submission-store.ts";
import {
  FieldPacker,
  type FieldReader,
  NUMBER_BYTES,
  packedBytesLength,
  packedTextLength,
} from "../packed-fields.ts";

/** Numbers of a packed record. */
const NUMBERS = 10;

/** What of a commit is packed here; its events are packed as those of an append. */
export type SubmissionChanges = Pick<SubmissionCommit, "records" | "removed">;

/** A record on its way into the table, its columns in the order of the statements that write it. */
export interface PackedSubmission {
  readonly number: number;
  readonly state: number;
  /** Of request and outcome. */
  readonly bytes: number;
  readonly policy: number;
  readonly createTimeMs: number;
  readonly updateTimeMs: number;
  readonly sendAfterMs: number;
  readonly expireAfterMs: number;
  readonly dueTimeMs: number;
  readonly attempts: number;
  readonly destinations: number;
  readonly id: string;
  readonly payloadHash: Uint8Array;
  /** What lists show of the outcome. */
  readonly outcome: Uint8Array;
  readonly outcomeRest: Uint8Array;
  readonly request: Uint8Array;
}

/** Bytes that changes take at most when they are packed; what the queue limit counts. */
export function packedChangesLength({ records, removed }: SubmissionChanges): number {
  let length = (2 + removed.length + records.length * NUMBERS) * NUMBER_BYTES;
  for (const { id, payloadHash, request, outcome } of records)
    length +=
      packedTextLength(id) +
      packedBytesLength(payloadHash) +
      packedBytesLength(outcome) +
      packedBytesLength(request);
  return length;
}

/**
 * Packs changes into a buffer of `length` bytes, which {@link packedChangesLength} gave.
 *
 * @throws RangeError for a number that is none
 */
export function packChanges({ records, removed }: SubmissionChanges, length: number): ArrayBuffer {
  const packer = new FieldPacker(length);
  packer.number(removed.length);
  for (const number of removed) packer.number(whole(number));
  packer.number(records.length);
  for (const record of records) packRecord(packer, record);
  return packer.buffer;
}

function packRecord(packer: FieldPacker, record: SubmissionRecord): void {
  packer.number(whole(record.number));
  packer.number(whole(record.state));
  packer.number(whole(record.policy));
  packer.number(whole(record.createTimeMs));
  packer.number(whole(record.updateTimeMs));
  packer.number(whole(record.sendAfterMs));
  packer.number(whole(record.expireAfterMs));
  packer.number(whole(record.dueTimeMs));
  packer.number(whole(record.attempts));
  packer.number(whole(record.destinations));
  packer.text(record.id);
  packer.bytes(record.payloadHash);
  packer.bytes(record.outcome);
  packer.bytes(record.request);
}

/** A value that the table refuses would fail the work of others in the same commit. */
function whole(value: number): number {
  const number = Math.trunc(value);
  if (!Number.isSafeInteger(number)) throw new RangeError("a submission holds a number out of range");
  return number;
}

/** Reads the numbers of removed records, which come first. */
export function unpackRemoved(reader: FieldReader): number[] {
  return Array.from({ length: reader.number() }, () => reader.number());
}

/** Reads one record of those that follow their count. */
export function unpackRecord(reader: FieldReader): PackedSubmission {
  const numbers = {
    number: reader.number(),
    state: reader.number(),
    policy: reader.number(),
    createTimeMs: reader.number(),
    updateTimeMs: reader.number(),
    sendAfterMs: reader.number(),
    expireAfterMs: reader.number(),
    dueTimeMs: reader.number(),
    attempts: reader.number(),
    destinations: reader.number(),
  };
  const id = reader.text();
  const payloadHash = reader.bytes();
  const outcome = reader.bytes();
  const request = reader.bytes();
  return {
    ...numbers,
    bytes: outcome.length + request.length,
    id,
    payloadHash,
    outcome: outcome.subarray(0, LIST_OUTCOME_BYTES),
    outcomeRest: outcome.subarray(LIST_OUTCOME_BYTES),
    request,
  };
}
