import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Code } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { Channel } from "../gen/infobip/messages/v1/channel_pb.js";
import { SendOutcome } from "../gen/infobip/messages/v1/send_messages_pb.js";
import {
  type SubmissionSchema,
  SubmissionState,
  UnknownOutcomePolicy,
} from "../gen/infobip/messages/v1/submission_pb.js";
import { ServiceError } from "../src/errors.ts";
import { FakeService } from "./cli-fake-service.ts";
import { cli, jsonLines } from "./cli-harness.ts";

const SMS = ["--channel", "sms", "--to", "41790000001", "--text", "Hello"];
const at = (time: string) => timestampFromMs(Date.parse(time));
const submission = (
  state: SubmissionState,
  more: MessageInitShape<typeof SubmissionSchema> = {},
): MessageInitShape<typeof SubmissionSchema> => ({
  name: "submissions/order-1",
  requestId: "order-1",
  state,
  createTime: at("2026-05-04T09:30:00Z"),
  ...more,
});
const queued = submission(SubmissionState.QUEUED);

function submit(fake: FakeService, ...args: readonly string[]) {
  return cli(["submit", "--target", fake.target, "--request-id", "order-1", ...args]);
}

function withSubmission(answer: MessageInitShape<typeof SubmissionSchema>): Promise<FakeService> {
  return FakeService.start({ submission: () => ({ submission: answer }) });
}

test("submit sends one text message with its id, policy and times, and prints where it stands", async () => {
  const times = { sendAfter: at("2026-05-05T00:00:00Z"), expireAfter: at("2026-05-06T10:00:00Z") };
  await using fake = await FakeService.start({ submit: () => ({ submission: { ...queued, ...times } }) });
  const timeFlags = ["--send-after", "2026-05-05", "--expire-after", "2026-05-06T12:00:00+02:00"];
  const { exitCode, stdout } = await submit(fake, ...SMS, "--policy", "at-least-once", ...timeFlags);
  expect(exitCode).toBe(0);
  expect(stdout.split("\n")).toEqual([
    "created (UTC)         state            attempts  request id",
    "2026-05-04T09:30:00Z  QUEUED           0         order-1",
    "not before 2026-05-05T00:00:00Z, not after 2026-05-06T10:00:00Z",
    "",
  ]);
  expect(fake.submits).toMatchObject([
    {
      requestId: "order-1",
      unknownOutcomePolicy: UnknownOutcomePolicy.AT_LEAST_ONCE,
      ...times,
      messages: [{ kind: { value: { channel: Channel.SMS } } }],
    },
  ]);
});

test("submit takes messages, options and coalesce from a file, and parks unknown outcomes unless told otherwise", async () => {
  await using fake = await FakeService.start({ submit: () => ({ submission: queued }) });
  const stdin =
    '{"messages":[{"message":{"channel":"CHANNEL_RCS"}}],"options":{"schedule":{"bulkId":"b"}},"coalesce":false}';
  const args = ["submit", "--target", fake.target, "--request-id", "order-1", "--file", "-", "--json"];
  const { exitCode, stdout } = await cli(args, { stdin });
  expect(exitCode).toBe(0);
  expect(jsonLines(stdout)).toEqual([
    {
      name: "submissions/order-1",
      requestId: "order-1",
      state: "SUBMISSION_STATE_QUEUED",
      createTime: "2026-05-04T09:30:00Z",
    },
  ]);
  expect(fake.submits).toMatchObject([
    {
      unknownOutcomePolicy: UnknownOutcomePolicy.AT_MOST_ONCE,
      coalesce: false,
      options: { schedule: { bulkId: "b" } },
    },
  ]);
  expect(fake.submits[0]?.sendAfter).toBeUndefined();
});

test.each([
  [[...SMS, "--policy", "once"], "use one of AT_MOST_ONCE, AT_LEAST_ONCE"],
  [[...SMS, "--send-after", "tomorrow"], "Give a time such as"],
  [[...SMS, "--expire-after", "2026-02-30T25:00:00Z"], "Give a time such as"],
  [["--to", "1", "--text", "x"], "give --channel, --to and --text"],
])("wrong use %j is exit code 2 and submits nothing", async (args, message) => {
  await using fake = await FakeService.start({});
  const { exitCode, stderr } = await submit(fake, ...args);
  expect(exitCode).toBe(2);
  expect(stderr).toContain(message);
  expect(fake.submits).toEqual([]);
});

test("submit needs an id, and takes it from the flag alone", async () => {
  await using fake = await FakeService.start({});
  const without = await cli(["submit", "--target", fake.target, ...SMS]);
  expect(without.exitCode).toBe(2);
  expect(without.stderr).toContain("--request-id");
  const args = ["submit", "--target", fake.target, "--request-id", "a", "--file", "-"];
  const twice = await cli(args, { stdin: '{"requestId":"b","messages":[]}' });
  expect(twice.exitCode).toBe(2);
  expect(twice.stderr).toContain("--request-id is the id of the submission");
  expect(fake.submits).toEqual([]);
});

test("submit tells a refusal as it is, and of a call that broke off that repeating it is safe", async () => {
  const said = new ServiceError(Code.ResourceExhausted, "OUTBOX_FULL", "the outbox is full", {
    metadata: { outcome: "NOT_SENT" },
  });
  await using refusing = await FakeService.start({ submit: () => said });
  expect(await submit(refusing, ...SMS)).toMatchObject({
    exitCode: 1,
    stderr: "error RESOURCE_EXHAUSTED OUTBOX_FULL: the outbox is full\n  outcome: NOT_SENT\n",
  });
  const broken = plainError({ code: Code.Unavailable, message: "Connection dropped" });
  await using breaking = await FakeService.start({ submit: () => broken });
  const { exitCode, stderr } = await submit(breaking, ...SMS);
  expect(exitCode).toBe(3);
  expect(stderr).toContain("submit them again as they are, with the same --request-id");
});

test.each([
  [SubmissionState.QUEUED, 0],
  [SubmissionState.SENDING, 0],
  [SubmissionState.ACCEPTED, 0],
  [SubmissionState.CANCELLED, 0],
  [SubmissionState.REJECTED, 1],
  [SubmissionState.EXPIRED, 1],
  [SubmissionState.OUTCOME_UNKNOWN, 3],
])("a submission in state %i makes exit code %i", async (state, expected) => {
  await using fake = await withSubmission(submission(state));
  const { exitCode } = await cli(["submission", "get", "--target", fake.target, "order-1"]);
  expect(exitCode).toBe(expected);
});

test("submission get shows the last error and the next attempt, or the results", async () => {
  const message = "Infobip cannot be reached";
  const nextAttemptTime = at("2026-05-04T09:31:00Z");
  const waiting = { attempts: 2, lastError: { code: Code.Unavailable, message }, nextAttemptTime };
  await using backingOff = await withSubmission(submission(SubmissionState.QUEUED, waiting));
  const first = await cli(["submission", "get", "--target", backingOff.target, "order-1"]);
  expect(first.stdout.split("\n").slice(1)).toEqual([
    "2026-05-04T09:30:00Z  QUEUED           2         order-1",
    message,
    "next attempt at 2026-05-04T09:31:00Z",
    "",
  ]);
  const results = [{ messageId: "m-1", outcome: SendOutcome.SENT, destination: "41790000001" }];
  await using done = await withSubmission(
    submission(SubmissionState.ACCEPTED, { attempts: 3, bulkId: "b-1", results }),
  );
  const second = await cli(["submission", "get", "--target", done.target, "submissions/order-1"]);
  expect(second.stdout.split("\n").slice(1)).toEqual([
    "2026-05-04T09:30:00Z  ACCEPTED         3         order-1",
    "#    destination  outcome  status  message id",
    "0.0  41790000001  SENT             m-1",
    "bulk b-1",
    "",
  ]);
  expect([...backingOff.submissionNames, ...done.submissionNames]).toEqual(
    Array(2).fill("submissions/order-1"),
  );
});

test("submission cancel prints what it is then, and tells why it cannot be cancelled", async () => {
  await using fake = await FakeService.start({
    cancel: () => ({ submission: submission(SubmissionState.CANCELLED) }),
  });
  const { exitCode, stdout } = await cli(["submission", "cancel", "--target", fake.target, "order-1"]);
  expect(exitCode).toBe(0);
  expect(stdout).toContain("CANCELLED");
  expect(fake.submissionNames).toEqual(["submissions/order-1"]);
  const said = new ServiceError(Code.FailedPrecondition, "SUBMISSION_NOT_CANCELLABLE", "it is being sent");
  await using refusing = await FakeService.start({ cancel: () => said });
  expect(await cli(["submission", "cancel", "--target", refusing.target, "order-1"])).toEqual({
    exitCode: 1,
    stdout: "",
    stderr: "error FAILED_PRECONDITION SUBMISSION_NOT_CANCELLABLE: it is being sent\n",
  });
});

test("submission list goes through the pages up to --max, also empty ones, and says when there may be more", async () => {
  const pages = [
    { submissions: [queued], nextPageToken: "p2" },
    { submissions: [], nextPageToken: "p3" },
    { submissions: [submission(SubmissionState.SENDING, { requestId: "order-2" })], nextPageToken: "p4" },
  ];
  await using fake = await FakeService.start({
    submissions: ({ pageToken }) => pages[pageToken === "" ? 0 : Number(pageToken.slice(1)) - 1] ?? {},
  });
  const args = ["submission", "list", "--target", fake.target, "--state", "queued,sending", "--max", "2"];
  const { exitCode, stdout, stderr } = await cli(args);
  expect(exitCode).toBe(0);
  expect(stdout.split("\n")).toEqual([
    "created (UTC)         state            attempts  request id",
    "2026-05-04T09:30:00Z  QUEUED           0         order-1",
    "2026-05-04T09:30:00Z  SENDING          0         order-2",
    "",
  ]);
  expect(stderr).toBe("there may be more; give a larger --max\n");
  expect(fake.submissionLists.map(({ pageToken, pageSize }) => [pageToken, pageSize])).toEqual([
    ["", 2],
    ["p2", 1],
    ["p3", 1],
  ]);
  expect(fake.submissionLists[2]?.states).toEqual([SubmissionState.QUEUED, SubmissionState.SENDING]);
  const all = await cli(["submission", "list", "--target", fake.target, "--json"]);
  expect(jsonLines(all.stdout).map(({ requestId }) => requestId)).toEqual(["order-1", "order-2"]);
  expect(all.stderr).toBe("");
});

test("submission list of a service that cannot be reached prints nothing but the error", async () => {
  const fake = await FakeService.start({});
  await fake[Symbol.asyncDispose]();
  const { exitCode, stdout, stderr } = await cli(["submission", "list", "--target", fake.target]);
  expect({ exitCode, stdout }).toEqual({ exitCode: 4, stdout: "" });
  expect(stderr).toMatch(/^error UNAVAILABLE: /);
});

/** An error without any detail, as a proxy or a broken connection makes it. */
function plainError(error: { code: Code; message: string }): ServiceError {
  return Object.assign(Object.create(ServiceError.prototype) as ServiceError, error);
}
