import { SubmissionState, UnknownOutcomePolicy } from "../gen/infobip/messages/v1/submission_pb.js";
import type { EmbeddedEventLog } from "../src/eventlog/embedded/embedded-log.ts";
import type {
  SubmissionCommit,
  SubmissionRecord,
  SubmissionStore,
} from "../src/eventlog/submission-store.ts";
import { sampleEvent } from "./event-log-samples.ts";

/** Time at which sample records were created, Unix milliseconds. */
export const CREATE_TIME_MS = 1_700_000_000_000;

/** A record that is queued and due at once, distinct for each number. */
export function sampleRecord(number: number, changes: Partial<SubmissionRecord> = {}): SubmissionRecord {
  return {
    number,
    id: `submission-${number}`,
    state: SubmissionState.QUEUED,
    policy: UnknownOutcomePolicy.AT_MOST_ONCE,
    createTimeMs: CREATE_TIME_MS + number,
    updateTimeMs: CREATE_TIME_MS + number,
    sendAfterMs: 0,
    expireAfterMs: 0,
    dueTimeMs: CREATE_TIME_MS,
    attempts: 0,
    destinations: 1,
    payloadHash: Buffer.alloc(32, number % 256),
    request: Buffer.from(`request ${number}`),
    outcome: new Uint8Array(),
    ...changes,
  };
}

/** A record with blobs as text, so that views and buffers compare. */
export function plainRecord(record: SubmissionRecord | undefined): unknown {
  if (record === undefined) return undefined;
  const { payloadHash, request, outcome } = record;
  return {
    ...record,
    payloadHash: Buffer.from(payloadHash).toString("hex"),
    request: Buffer.from(request).toString("latin1"),
    outcome: Buffer.from(outcome).toString("latin1"),
  };
}

/** Numbers of records. */
export function numbersOf(records: readonly SubmissionRecord[]): number[] {
  return records.map(({ number }) => number);
}

/** Commits what is given and nothing else. */
export function commitTo(store: SubmissionStore, commit: Partial<SubmissionCommit>): Promise<void> {
  return store.commit({ records: [], removed: [], events: [], ...commit });
}

/** Records that {@link stepCommit} leaves. */
export const STEP_RECORDS = 10;

/** One of a row of commits: a new submission, the one before it on its way, an old one removed, and one event. */
export function stepCommit(n: number): SubmissionCommit {
  const before = sampleRecord(n - 1, { state: SubmissionState.SENDING, attempts: 1 });
  return {
    records: n === 1 ? [sampleRecord(1)] : [before, sampleRecord(n)],
    removed: n > STEP_RECORDS ? [n - STEP_RECORDS] : [],
    events: [sampleEvent(n)],
  };
}

/** What of {@link stepCommit} a log holds: numbers of records by state and the last number, to compare with {@link stepsDone}. */
export async function stepsIn({ submissions }: EmbeddedEventLog): Promise<unknown> {
  const { records } = await submissions.list({ before: MANY, states: [], limit: MANY, maxExamined: MANY });
  const { byState, lastNumber } = await submissions.counts();
  return {
    lastNumber,
    counted: Object.fromEntries(byState),
    sending: numbersOf(await submissions.sending(0, MANY, MANY)),
    listed: records.map(({ number, state }) => [number, state]),
  };
}

/** What {@link stepsIn} tells when the first `n` of the row are stored and nothing else is. */
export function stepsDone(n: number): unknown {
  const first = Math.max(1, n - STEP_RECORDS + 1);
  const sending = Array.from({ length: n - first }, (_, i) => first + i);
  return {
    lastNumber: n,
    counted: { [SubmissionState.QUEUED]: 1, [SubmissionState.SENDING]: sending.length },
    sending,
    listed: [[n, SubmissionState.QUEUED], ...sending.toReversed().map((s) => [s, SubmissionState.SENDING])],
  };
}

/** Bound that no read reaches by chance. */
export const MANY = 1_000_000;
