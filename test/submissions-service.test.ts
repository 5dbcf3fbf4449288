import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { describe, expect, it } from "vitest";
import { ErrorInfoSchema } from "../gen/google/rpc/error_details_pb.js";
import { EventType } from "../gen/infobip/events/v1/event_pb.js";
import { StartPosition } from "../gen/infobip/events/v1/positions_pb.js";
import { Channel } from "../gen/infobip/messages/v1/channel_pb.js";
import { type BaseMessage, BaseMessageSchema } from "../gen/infobip/messages/v1/message_pb.js";
import { SendOutcome } from "../gen/infobip/messages/v1/send_messages_pb.js";
import { SubmissionState } from "../gen/infobip/messages/v1/submission_pb.js";
import { type ServiceRig, startServiceRig } from "./fixtures/service-rig.ts";
import { watchUntil } from "./fixtures/watch-until.ts";

const { QUEUED, ACCEPTED, CANCELLED } = SubmissionState;
const FAR = () => timestampFromMs(Date.now() + 3_600_000);

describe("submissions over gRPC", () => {
  it("accepts, sends in the background, and tells of it by events", async () => {
    await using rig = await startServiceRig();
    const requestId = "order-1";
    const { submission } = await rig.messages.submitMessages({ requestId, messages: [sms("38591")] });
    expect(submission).toMatchObject({ name: "submissions/order-1", requestId, destinations: 1 });
    const [messageId = ""] = submission?.messageIds ?? [];
    expect(messageId).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8/);
    await changed(rig, messageId, ACCEPTED);
    const { submission: done } = await rig.messages.getSubmission({ name: "submissions/order-1" });
    expect(done).toMatchObject({ state: ACCEPTED, attempts: 1, messageIds: [messageId] });
    expect(done?.results).toMatchObject([{ messageId, outcome: SendOutcome.SENT }]);
    const again = await rig.messages.submitMessages({ requestId, messages: [sms("38591")] });
    expect(again.submission).toEqual(done);
    expect(rig.simulator.stats().messages.accepted).toBe(1);
    const states = (await submissionEvents(rig, messageId)).map(({ state }) => state);
    expect(states).toEqual([QUEUED, SubmissionState.SENDING, ACCEPTED]);
  });

  it("finds the changes of a submission in the timeline of its message", async () => {
    await using rig = await startServiceRig();
    const { submission } = await rig.messages.submitMessages({
      requestId: "a",
      messages: [sms("38591")],
      sendAfter: FAR(),
    });
    const [messageId = ""] = submission?.messageIds ?? [];
    const message = await rig.events.getMessage({ messageId });
    expect(message.statusEvent).toBeUndefined();
    expect(message.timeline).toMatchObject([
      { type: EventType.SUBMISSION, channel: Channel.SMS, destination: "38591" },
    ]);
  });

  it("refuses other contents under the same id, and derives other ids for them under another", async () => {
    await using rig = await startServiceRig();
    const sendAfter = FAR();
    const first = await rig.messages.submitMessages({ requestId: "a", messages: [sms("38591")], sendAfter });
    await refused(rig.messages.submitMessages({ requestId: "a", messages: [sms("38592")], sendAfter }), {
      code: Code.AlreadyExists,
      reason: "REQUEST_ID_REUSED",
    });
    const other = await rig.messages.submitMessages({ requestId: "b", messages: [sms("38591")], sendAfter });
    expect(other.submission?.messageIds).not.toEqual(first.submission?.messageIds);
  });

  it("checks everything before it accepts", async () => {
    await using rig = await startServiceRig();
    const messages = [sms("38591")];
    const twice = create(BaseMessageSchema, sms("38591", "same"));
    const cases = [
      { requestId: "bad id", messages },
      { requestId: "a", messages: [] },
      { requestId: "a", messages: [twice, twice] },
      { requestId: "a", messages, sendAfter: timestampFromMs(Date.now() + 181 * 86_400_000) },
      { requestId: "a", messages, sendAfter: FAR(), expireAfter: timestampFromMs(Date.now() + 1_000) },
      { requestId: "a", messages, expireAfter: timestampFromMs(Date.now() - 1_000) },
      { requestId: "a", messages, expireAfter: { seconds: 1n << 60n, nanos: 0 } },
      { requestId: "a", messages, unknownOutcomePolicy: 9 },
    ];
    for (const request of cases) {
      await refused(rig.messages.submitMessages(request), {
        code: Code.InvalidArgument,
        reason: "REQUEST_INVALID",
      });
    }
    await refused(rig.messages.getSubmission({ name: "submissions/a" }), {
      code: Code.NotFound,
      reason: "SUBMISSION_UNKNOWN",
    });
  });

  it("cancels what waits, also after a restart, and nothing else", async () => {
    await using rig = await startServiceRig();
    await rig.messages.submitMessages({ requestId: "a", messages: [sms("38591")], sendAfter: FAR() });
    await rig.restart();
    const name = "submissions/a";
    const cancelled = await rig.messages.cancelSubmission({ name });
    expect(cancelled.submission?.state).toBe(CANCELLED);
    const sent = await rig.messages.submitMessages({ requestId: "b", messages: [sms("38591")] });
    await changed(rig, sent.submission?.messageIds[0] ?? "", ACCEPTED);
    await refused(rig.messages.cancelSubmission({ name: "submissions/b" }), {
      code: Code.FailedPrecondition,
      reason: "SUBMISSION_NOT_CANCELLABLE",
    });
    expect(rig.simulator.stats().messages.accepted).toBe(1);
  });

  it("lists by pages whose tokens belong to their states", async () => {
    await using rig = await startServiceRig();
    for (const requestId of ["a", "b", "c"]) {
      await rig.messages.submitMessages({ requestId, messages: [sms("38591")], sendAfter: FAR() });
    }
    const first = await rig.messages.listSubmissions({ pageSize: 2, states: [QUEUED, CANCELLED] });
    expect(first.submissions.map(({ requestId }) => requestId)).toEqual(["c", "b"]);
    expect(first.submissions[0]).toMatchObject({ messageIds: [], destinations: 1 });
    const pageToken = first.nextPageToken;
    const second = await rig.messages.listSubmissions({ pageToken, states: [CANCELLED, QUEUED] });
    expect(second.submissions.map(({ requestId }) => requestId)).toEqual(["a"]);
    expect(second.nextPageToken).toBe("");
    for (const request of [
      { pageToken },
      { pageToken: "x" },
      { pageToken: `${pageToken}A`, states: [QUEUED] },
    ]) {
      await refused(rig.messages.listSubmissions(request), {
        code: Code.InvalidArgument,
        reason: "PAGE_TOKEN_INVALID",
      });
    }
  });
});

function sms(to: string, messageId?: string): BaseMessage {
  return create(BaseMessageSchema, {
    kind: {
      case: "message",
      value: {
        channel: Channel.SMS,
        sender: "InfoSMS",
        destinations: [{ kind: { case: "toDestination", value: { to, messageId } } }],
        content: { body: { type: { case: "text", value: { text: "hello" } } } },
      },
    },
  });
}

/** Waits for the event of a state, from the beginning of the log. */
async function changed(rig: ServiceRig, messageId: string, state: SubmissionState): Promise<void> {
  const filter = { types: [EventType.SUBMISSION], messageIds: [messageId] };
  const from = { case: "start" as const, value: StartPosition.EARLIEST };
  await watchUntil(rig.events, { filter, from }, (events) =>
    events.some(({ payload }) => payload.case === "submission" && payload.value.state === state),
  );
}

async function submissionEvents(rig: ServiceRig, messageId: string) {
  const { events } = await rig.events.listEvents({
    filter: { types: [EventType.SUBMISSION], messageIds: [messageId] },
  });
  return events.flatMap(({ payload }) => (payload.case === "submission" ? [payload.value] : []));
}

async function refused(call: Promise<unknown>, expected: { code: Code; reason: string }): Promise<void> {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => ConnectError.from(thrown),
  );
  expect(error?.code).toBe(expected.code);
  expect(error?.findDetails(ErrorInfoSchema)[0]?.reason).toBe(expected.reason);
}
