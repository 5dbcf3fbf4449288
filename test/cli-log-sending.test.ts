import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { SubmissionState } from "../gen/infobip/messages/v1/submission_pb.js";
import { sampleAnswer } from "./answer-samples.ts";
import { cli, jsonLines } from "./cli-harness.ts";
import { FIRST_TIME_MS, type LogRig, startLogRig } from "./log-file-rig.ts";
import { commitTo, sampleRecord } from "./submission-samples.ts";

let rig: LogRig;
beforeEach(async () => {
  rig = await startLogRig();
  await rig.log.answers.save("a", sampleAnswer(1));
  await rig.log.answers.save("b", sampleAnswer(2));
  await commitTo(rig.log.submissions, {
    records: [
      sampleRecord(1),
      sampleRecord(2),
      sampleRecord(3, { state: SubmissionState.ACCEPTED, outcome: Buffer.alloc(100_000) }),
    ],
  });
});
afterEach(() => rig[Symbol.asyncDispose]());

const log = async (command: string) => {
  const { exitCode, stdout } = await cli(["log", command, "--data-dir", rig.directory, "--json"]);
  return { exitCode, result: jsonLines(stdout)[0] ?? {} };
};

test("stats tell submissions by state, and the answers that are kept", async () => {
  const { exitCode, result } = await log("stats");
  expect(exitCode).toBe(0);
  expect(result).toMatchObject({
    answers: { count: 2, bytes: 278, oldest: new Date(FIRST_TIME_MS - 1_000).toISOString() },
    submissions: [
      { state: "QUEUED", count: 2, bytes: 18 },
      { state: "ACCEPTED", count: 1, bytes: 100_009 },
    ],
  });
  const { stdout } = await cli(["log", "stats", "--data-dir", rig.directory]);
  expect(stdout).toMatch(/\nanswers +2, 278 bytes, the oldest of 2026-05-04T09:59:59.000Z\n/);
  expect(stdout).toMatch(/\nsubmissions +2 QUEUED, 1 ACCEPTED, 100027 bytes\n/);
});

test("verify finds them sound, beside the service and without one", async () => {
  const sound = { exitCode: 0, result: { sound: true, findings: [], answers: 2, submissions: 3 } };
  expect(await log("verify")).toMatchObject(sound);
  await commitTo(rig.log.submissions, { removed: [1] });
  expect((await log("verify")).result).toMatchObject({ sound: true, submissions: 2 });
  await commitTo(rig.log.submissions, { records: [sampleRecord(4)] });
  await rig.close();
  expect(await log("verify")).toMatchObject(sound);
});

const WRONG_TOTAL = "are not as many, or not as large, as their total says";
describe("damage is told with its place", () => {
  test.each([
    [
      "a lost answer",
      "DELETE FROM answers WHERE id = 'a'",
      "answers",
      "are not as many, or not as large, as their state says",
    ],
    [
      "a short hash of an answer",
      "UPDATE answers SET payload_hash = x'00' WHERE id = 'a'",
      "answers",
      "1 have a payload hash of a wrong length",
    ],
    ["a lost submission", "DELETE FROM submissions WHERE number = 3", "submissions in state 3", WRONG_TOTAL],
    [
      "another state",
      "UPDATE submissions SET state = 2 WHERE number = 1",
      "submissions in state 1",
      WRONG_TOTAL,
    ],
    [
      "a state that is none",
      "UPDATE submissions SET state = 9 WHERE number = 1",
      "submissions",
      "1 are in a state that does not exist",
    ],
    [
      "a lost outcome",
      "UPDATE submissions SET outcome_rest = x'' WHERE number = 3",
      "submissions",
      "1 are not of the size that is told",
    ],
    [
      "a short hash of a submission",
      "UPDATE submissions SET payload_hash = x'00' WHERE number < 3",
      "submissions",
      "2 have a payload hash of a wrong length",
    ],
    [
      "an id that stands for two",
      "UPDATE submissions SET id = 'submission-1' WHERE number = 2",
      "submissions",
      "1 ids stand for more than one",
    ],
    [
      "a number that was never given",
      "UPDATE submission_state SET last_number = 2",
      "submissions",
      "their last number is past the one that is told",
    ],
    ["a missing index", "DROP INDEX submissions_due", "index submissions_due", "is missing"],
  ])("%s", async (_title, sql, where, problem) => {
    await rig.close();
    rig.damage(sql);
    const { exitCode, result } = await log("verify");
    expect([exitCode, result.sound]).toEqual([1, false]);
    expect(result.findings).toContainEqual({ where, problem });
  });
});
