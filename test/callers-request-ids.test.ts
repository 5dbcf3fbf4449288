import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Code } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import { SubmissionState } from "../gen/infobip/messages/v1/submission_pb.js";
import { type CallersRig, failureOf, sms, startCallersRig } from "./callers-rig.ts";

const SCOPES = ["send", "submit"];
const CALLERS = [
  { name: "a", scopes: SCOPES },
  { name: "b", scopes: SCOPES },
  { name: "ops", scopes: ["admin"] },
];
const LATER = { sendAfter: timestampFromMs(4_102_444_800_000) };
const soon = () => ({ sendAfter: timestampFromMs(Date.now() + 3_600_000) });
const request = (requestId: string, text = "hello") => ({
  requestId,
  messages: [sms({ content: { body: { type: { case: "text", value: { text } } } } })],
});
const UNKNOWN = { code: Code.NotFound, reason: "SUBMISSION_UNKNOWN" };

const names = async (rig: CallersRig, caller: string, pageSize = 100) => {
  const { submissions, nextPageToken } = await rig.as(caller).messages.listSubmissions({ pageSize });
  expect(nextPageToken).toBe("");
  return submissions.map(({ name }) => name);
};

describe("request ids of two callers", () => {
  test("of sends do not meet, whether the contents are the same or not", async () => {
    await using rig = await startCallersRig(CALLERS);
    const ids = new Set<string>();
    for (const caller of ["a", "b", "ops"]) {
      const first = await rig.as(caller).messages.sendMessages(request("order-1"));
      const again = await rig.as(caller, "http").messages.sendMessages(request("order-1"));
      expect(again).toEqual(first);
      ids.add(first.results[0]?.messageId ?? "");
    }
    expect(ids.size).toBe(3);
    await rig.as("a").messages.sendMessages(request("order-2", "of a"));
    await rig.as("b").messages.sendMessages(request("order-2", "of b"));
    expect(rig.simulator.stats().messages.accepted).toBe(5);
  });

  test("of submissions do not meet", async () => {
    await using rig = await startCallersRig(CALLERS);
    const submitted = new Map<string, string>();
    for (const caller of ["a", "b"]) {
      const { submission } = await rig
        .as(caller)
        .messages.submitMessages({ ...request("order-1", caller), ...soon() });
      expect(submission).toMatchObject({ name: `submissions/${caller}/order-1`, requestId: "order-1" });
      submitted.set(caller, submission?.messageIds[0] ?? "");
    }
    expect(new Set(submitted.values()).size).toBe(2);
    for (const [caller, messageId] of submitted) {
      const { messages } = rig.as(caller, "http");
      const { submission } = await messages.getSubmission({ name: "submissions/order-1" });
      expect(submission).toMatchObject({ name: `submissions/${caller}/order-1`, messageIds: [messageId] });
      expect(await messages.getSubmission({ name: `submissions/${caller}/order-1` })).toEqual({
        ...(await messages.getSubmission({ name: "submissions/order-1" })),
      });
    }
  });
});

describe("submissions", () => {
  test("of another caller look as if they did not exist", async () => {
    await using rig = await startCallersRig(CALLERS);
    await rig.as("a").messages.submitMessages({ ...request("of-a"), ...soon() });
    const { messages } = rig.as("b");
    const missing = await failureOf(messages.getSubmission({ name: "submissions/b/none" }));
    expect(missing).toMatchObject(UNKNOWN);
    for (const name of ["submissions/of-a", "submissions/a/of-a"]) {
      expect(await failureOf(messages.getSubmission({ name }))).toEqual(missing);
      expect(await failureOf(messages.cancelSubmission({ name }))).toEqual(missing);
    }
    expect(await names(rig, "b")).toEqual([]);
    const { submission } = await rig.as("a").messages.getSubmission({ name: "submissions/of-a" });
    expect(submission?.state).toBe(SubmissionState.QUEUED);
  });

  test("are listed in pages of the caller's own", async () => {
    await using rig = await startCallersRig(CALLERS);
    for (let index = 0; index < 12; index++) {
      const caller = index % 4 === 0 ? "a" : "b";
      await rig.as(caller).messages.submitMessages({ ...request(`s${index}`), ...soon() });
    }
    const listed: string[] = [];
    let pageToken = "";
    do {
      const page = await rig.as("a").messages.listSubmissions({ pageSize: 2, pageToken });
      expect(page.submissions.length).toBeLessThanOrEqual(2);
      listed.push(...page.submissions.map(({ requestId }) => requestId));
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
    expect(listed).toEqual(["s8", "s4", "s0"]);
    expect(await names(rig, "ops")).toHaveLength(12);
  });

  test("are all the admin's, and its own come first", async () => {
    await using rig = await startCallersRig(CALLERS);
    const { messages } = rig.as("ops");
    await rig.as("a").messages.submitMessages({ ...request("x"), ...soon() });
    await messages.submitMessages({ ...request("x"), ...soon() });
    expect((await messages.getSubmission({ name: "submissions/x" })).submission?.name).toBe(
      "submissions/ops/x",
    );
    const { submission } = await messages.cancelSubmission({ name: "submissions/a/x" });
    expect(submission).toMatchObject({ name: "submissions/a/x", state: SubmissionState.CANCELLED });
  });

  test("of a time without callers are the admin's to see", async () => {
    await using rig = await startCallersRig(CALLERS, { flags: { "--auth-callers-file": "" } });
    await rig.as(undefined).messages.submitMessages({ ...request("old"), ...soon() });
    await rig.restart({ "--auth-callers-file": rig.callersFile });
    expect(await failureOf(rig.as("a").messages.getSubmission({ name: "submissions/old" }))).toMatchObject(
      UNKNOWN,
    );
    expect(await names(rig, "a")).toEqual([]);
    expect(await names(rig, "ops")).toEqual(["submissions/old"]);
    const { submission } = await rig.as("ops").messages.cancelSubmission({ name: "submissions/old" });
    expect(submission).toMatchObject({ name: "submissions/old", requestId: "old" });
  });

  test("cannot be named into another caller's", async () => {
    await using rig = await startCallersRig(CALLERS);
    for (const requestId of ["a/order-1", "../a/order-1", ""]) {
      const failure = await failureOf(
        rig.as("b").messages.submitMessages({ ...request("x"), ...LATER, requestId }),
      );
      expect(failure.reason).toBe("REQUEST_INVALID");
      const sent = await failureOf(rig.as("b").messages.sendMessages(request(requestId)));
      expect(sent.reason).toBe("REQUEST_INVALID");
    }
  });
});
