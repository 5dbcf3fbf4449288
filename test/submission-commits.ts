import fc from "fast-check";
import type { SubmissionState } from "../gen/infobip/messages/v1/submission_pb.js";
import type { SubmissionCommit, SubmissionStore } from "../src/eventlog/submission-store.ts";
import { MANY, plainRecord, sampleRecord } from "./submission-samples.ts";

/** Numbers of the records in {@link arbitraryCommit}, from 1. */
export const NUMBERS = 12;
const STATES = [1, 2, 3, 4, 5, 6, 7] as const;

const times = fc.integer({ min: 0, max: 5 });
const record = fc
  .record({
    number: fc.integer({ min: 1, max: NUMBERS }),
    state: fc.constantFrom<SubmissionState>(...STATES),
    dueTimeMs: times,
    updateTimeMs: times,
    expireAfterMs: times,
    attempts: fc.nat(3),
    request: fc.uint8Array({ maxLength: 40 }),
    outcome: fc.uint8Array({ maxLength: 40 }),
  })
  .map(({ number, ...changes }) => sampleRecord(number, changes));
/** A commit of any few records and removals. */
export const arbitraryCommit = fc.record({
  records: fc.uniqueArray(record, { selector: ({ number }) => number, maxLength: 5 }),
  removed: fc.uniqueArray(fc.integer({ min: 1, max: NUMBERS }), { maxLength: 3 }),
});

/** Everything that the reads of a store tell about {@link NUMBERS} records. */
export async function contents(store: SubmissionStore): Promise<unknown> {
  const ids = Array.from({ length: NUMBERS }, (_, n) => `submission-${n + 1}`);
  const atTimes = [0, 1, 2, 3, 4, 5, 6];
  const { byState, ...totals } = await store.counts();
  const page = await store.list({ before: MANY, states: [], limit: MANY, maxExamined: MANY });
  const positions = [undefined, ...atTimes.map((dueTimeMs) => ({ dueTimeMs, number: 5 }))];
  return {
    ...totals,
    byState: [...byState].toSorted(([a], [b]) => a - b),
    got: (await Promise.all(ids.map((id) => store.get(id)))).map(plainRecord),
    listed: page.records.map(plainRecord),
    rare: (await store.list({ before: 9, states: [2, 5], limit: 4, maxExamined: MANY })).records.map(
      plainRecord,
    ),
    due: await Promise.all(
      positions.map(async (after) => (await store.due(4, after, 4, 90)).map(plainRecord)),
    ),
    nextDue: await Promise.all(atTimes.map((timeMs) => store.nextDue(timeMs))),
    expired: (await store.expired(3, 5, 100)).map(plainRecord),
    nextExpiry: await store.nextExpiry(),
    sending: (await store.sending(3, 3, 60)).map(plainRecord),
    done: await Promise.all(atTimes.map((timeMs) => store.doneBefore(timeMs, 4))),
  };
}

/** What all runs begin with: the last number is never forgotten. */
export function cleanCommit(): Pick<SubmissionCommit, "records" | "removed"> {
  const all = Array.from({ length: NUMBERS }, (_, n) => n + 1);
  return { records: [sampleRecord(NUMBERS)], removed: all.slice(0, -1) };
}
