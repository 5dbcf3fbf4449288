import { expect, it } from "vitest";
import { SubmissionState } from "../gen/infobip/messages/v1/submission_pb.js";
import {
  LIST_OUTCOME_BYTES,
  MAX_LIST_BYTES,
  type SubmissionQuery,
  type SubmissionRecord,
  type SubmissionStore,
} from "../src/eventlog/submission-store.ts";
import { commitTo, MANY, numbersOf, plainRecord, sampleRecord } from "./submission-samples.ts";
import type { SubmissionStoreRig } from "./submission-store-contract.ts";

const { QUEUED, SENDING, ACCEPTED, REJECTED, OUTCOME_UNKNOWN, CANCELLED, EXPIRED } = SubmissionState;
const ALL = [QUEUED, SENDING, ACCEPTED, REJECTED, OUTCOME_UNKNOWN, CANCELLED, EXPIRED];
const FIRST: SubmissionQuery = {
  before: Number.MAX_SAFE_INTEGER,
  states: [],
  limit: MANY,
  maxExamined: MANY,
};

/** Pages of records. */
export function describeSubmissionLists(start: () => Promise<SubmissionStoreRig>): void {
  it("lists records newest first, without what is to be sent, outcomes cut off", async () => {
    await using rig = await start();
    const outcome = Buffer.alloc(LIST_OUTCOME_BYTES + 10, "abc");
    const records = [sampleRecord(1), sampleRecord(2, { outcome }), sampleRecord(9, { state: ACCEPTED })];
    await commitTo(rig.store, { records });
    const page = await rig.store.list(FIRST);
    const shown = records.map((record) => ({
      ...record,
      request: new Uint8Array(),
      outcome: record.outcome.slice(0, LIST_OUTCOME_BYTES),
    }));
    expect(page.records.map(plainRecord)).toEqual(shown.reverse().map(plainRecord));
    expect(page.examinedTo).toBe(0);
    expect(await rig.store.list({ ...FIRST, before: 1 })).toEqual({ records: [], examinedTo: 0 });
  });

  it.each<[string, SubmissionState[], number, number]>([
    ["all states", [], 7, MANY],
    ["one page", [], MANY, MANY],
    ["a common state", [ACCEPTED], 7, MANY],
    ["a common state, few at a time", [ACCEPTED], 7, 3],
    ["a rare state", [CANCELLED], 1, MANY],
    ["a rare state, few at a time", [CANCELLED], 5, 2],
    ["rare states", [OUTCOME_UNKNOWN, CANCELLED, QUEUED, QUEUED], 2, MANY],
    ["rare states and a common one", [OUTCOME_UNKNOWN, ACCEPTED], 3, 10],
    ["a state of none", [EXPIRED], 3, 20],
    ["as many as there are", [REJECTED], 6, MANY],
  ])("goes page by page through %s, each record once, to the end", async (_, states, limit, maxExamined) => {
    await using rig = await start();
    const records = Array.from({ length: 60 }, (_, n) => sampleRecord(n * 2 + 1, { state: stateOf(n) }));
    await commitTo(rig.store, { records });
    const expected = records.filter(({ state }) => states.length === 0 || states.includes(state));
    const { listed, pages } = await walk(rig.store, { ...FIRST, states, limit, maxExamined });
    expect(numbersOf(listed)).toEqual(numbersOf(expected).reverse());
    expect(pages).toBeLessThanOrEqual(Math.ceil(60 / Math.min(limit, maxExamined)) + 1);
  });

  it("does not read further than it may", async () => {
    await using rig = await start();
    await commitTo(rig.store, { records: Array.from({ length: 20 }, (_, n) => sampleRecord(n + 1)) });
    const page = await rig.store.list({ ...FIRST, states: [ACCEPTED], maxExamined: 5 });
    expect(page).toEqual({ records: [], examinedTo: 16 });
  });

  it("ends a page after some bytes of outcomes", async () => {
    await using rig = await start();
    const outcome = Buffer.alloc(LIST_OUTCOME_BYTES);
    const perPage = MAX_LIST_BYTES / LIST_OUTCOME_BYTES;
    const count = perPage + 2;
    await commitTo(rig.store, {
      records: Array.from({ length: count }, (_, n) => sampleRecord(n + 1, { outcome })),
    });
    for (const states of [[], [QUEUED]]) {
      const page = await rig.store.list({ ...FIRST, states });
      expect(numbersOf(page.records)).toHaveLength(perPage);
      expect(page.examinedTo).toBe(3);
      const rest = await rig.store.list({ ...FIRST, states, before: page.examinedTo });
      expect([numbersOf(rest.records), rest.examinedTo]).toEqual([[2, 1], 0]);
    }
  });
}

/** Most are accepted, none has expired. */
function stateOf(n: number): SubmissionState {
  return n % 2 === 0 ? ACCEPTED : (ALL[Math.floor(n / 2) % 6] ?? QUEUED);
}

async function walk(
  store: SubmissionStore,
  query: SubmissionQuery,
): Promise<{ listed: SubmissionRecord[]; pages: number }> {
  const listed: SubmissionRecord[] = [];
  let pages = 0;
  for (let { before } = query; before > 0; pages++) {
    const page = await store.list({ ...query, before });
    expect(page.records.length).toBeLessThanOrEqual(query.limit);
    expect(page.examinedTo).toBeLessThan(before);
    listed.push(...page.records);
    before = page.examinedTo;
  }
  return { listed, pages };
}
