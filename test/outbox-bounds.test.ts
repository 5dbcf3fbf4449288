import { Code } from "@connectrpc/connect";
import { describe, expect, it } from "vitest";
import { SubmissionState } from "../gen/infobip/messages/v1/submission_pb.js";
import { MAX_COMMIT_RECORDS } from "../src/outbox/commits.ts";
import { newSubmission, openRig, settled, unknown } from "./outbox-harness.ts";

const { QUEUED, ACCEPTED, OUTCOME_UNKNOWN, CANCELLED } = SubmissionState;
const ids = (count: number) => Array.from({ length: count }, (_, n) => `s${n}`);

describe("bounds", () => {
  it("refuses more than may wait, and more bytes than may be kept", async () => {
    await using rig = await openRig({ limits: { maxWaiting: 3 } });
    for (const id of ids(3)) await rig.submit(id);
    await expect(rig.outbox.submit(newSubmission("more"))).rejects.toMatchObject({
      reason: "OUTBOX_FULL",
      code: Code.ResourceExhausted,
      metadata: { limit: "submissions.max_waiting" },
    });
    expect(await rig.submit("s0")).toMatchObject({ state: QUEUED });
    (await rig.leave(0)).answer();
    await settled();
    expect(await rig.submit("more")).toMatchObject({ state: QUEUED });
    await using small = await openRig({ limits: { maxBytes: 200 } });
    const both = await Promise.allSettled(ids(8).map((id) => small.outbox.submit(newSubmission(id))));
    const accepted = both.filter(({ status }) => status === "fulfilled").length;
    expect(accepted).toBeGreaterThan(0);
    expect(accepted).toBeLessThan(8);
    expect(both.at(-1)).toMatchObject({ reason: { metadata: { limit: "submissions.max_bytes" } } });
    expect(small.outbox.state().bytes).toBeLessThanOrEqual(200);
  });

  it("hands over no more at one time than it may, and holds a window of the rest", async () => {
    await using rig = await openRig({ limits: { concurrency: 10, maxWaiting: 10_000 } });
    for (const id of ids(200)) void rig.outbox.submit(newSubmission(id));
    await settled(30);
    expect(rig.handed).toHaveLength(10);
    while (rig.waiting.length > 0) {
      await Promise.all(rig.waiting.map((handed) => handed.leave()));
      for (const handed of rig.waiting) handed.answer();
      await settled();
    }
    expect(rig.handed.map(({ messageIds }) => messageIds[0])).toEqual(ids(200).map((id) => `${id}-1`));
    expect(rig.store.records.every(({ state }) => state === ACCEPTED)).toBe(true);
  });

  it("shares commits between the calls of one turn, the submissions that leave together and their results", async () => {
    await using rig = await openRig();
    const count = MAX_COMMIT_RECORDS;
    await Promise.all(ids(count).map((id) => rig.outbox.submit(newSubmission(id))));
    expect(rig.store.commits).toBe(1);
    await settled();
    await Promise.all(rig.handed.map((handed) => handed.leave()));
    expect(rig.store.commits).toBe(2);
    for (const handed of rig.handed) handed.answer();
    await settled();
    expect(rig.store.commits).toBe(3);
    expect(rig.changes).toHaveLength(3 * count);
  });
});

describe("lists", () => {
  it("gives pages, newest first, by state, without ids and results", async () => {
    await using rig = await openRig();
    for (const id of ids(5)) await rig.submit(id);
    await rig.outbox.cancel("s1");
    (await rig.leave(3)).fail(unknown());
    await settled();
    const names = async (states: SubmissionState[], pageSize: number) => {
      const found: string[][] = [];
      let before: number | undefined;
      do {
        const page = await rig.outbox.list({ pageSize, before, states });
        found.push(page.submissions.map(({ requestId }) => requestId));
        before = page.before;
      } while (before !== undefined);
      return found.filter((page) => page.length > 0);
    };
    expect(await names([], 2)).toEqual([["s4", "s3"], ["s2", "s1"], ["s0"]]);
    expect(await names([CANCELLED, OUTCOME_UNKNOWN], 10)).toEqual([["s3", "s1"]]);
    const [first] = (await rig.outbox.list({ pageSize: 1, before: 5, states: [] })).submissions;
    expect(first).toMatchObject({
      requestId: "s3",
      destinations: 1,
      messageIds: [],
      results: [],
      lastError: { code: 2 },
    });
  });
});
