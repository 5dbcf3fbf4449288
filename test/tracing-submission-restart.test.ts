import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { afterAll, beforeAll, expect, test } from "vitest";
import { EventType } from "../gen/infobip/events/v1/event_pb.js";
import { SubmissionState } from "../gen/infobip/messages/v1/submission_pb.js";
import { startCollector } from "./fixtures/otlp-collector.ts";
import { startServiceRig } from "./fixtures/service-rig.ts";
import { eventsOf, tracedMessage, traceOf } from "./fixtures/traced-message.ts";
import { describeNats, type NatsServer, startNatsServer, uniquePrefix } from "./nats-server.ts";

const POST = "POST /messages-api/1/messages";
const SUBMIT = "infobip.messages.v1.MessagesService/SubmitMessages";

/** Long enough for a restart in between. */
const LATER_MS = 2_500;

test(
  "links what a submission leads to with its call, after a restart too",
  () => submitRestartAndFollow({}),
  30_000,
);

describeNats("a submission in NATS", () => {
  let server: NatsServer;
  beforeAll(async () => {
    server = await startNatsServer();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  test("keeps the trace of its call across a restart", async () => {
    await submitRestartAndFollow({
      "--eventlog-url": server.url,
      "--nats-replicas": "1",
      "--nats-prefix": uniquePrefix(),
    });
  }, 60_000);
});

async function submitRestartAndFollow(flags: Record<string, string>): Promise<void> {
  await using collector = await startCollector();
  const environment = {
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${collector.url}/v1/traces`,
    OTEL_BSP_SCHEDULE_DELAY: "20",
  };
  await using rig = await startServiceRig({ environment, flags });
  const { traceId, header } = traceOf(1);
  const request = {
    requestId: "order-1",
    messages: [tracedMessage("m-1")],
    sendAfter: timestampFromMs(Date.now() + LATER_MS),
  };
  await rig.messages.submitMessages(request, { headers: { traceparent: header } });
  const call = await collector.span(({ name }) => name === SUBMIT);
  await rig.restart();
  const { submission } = await rig.messages.getSubmission({ name: "submissions/order-1" });
  expect(submission?.state).toBe(SubmissionState.QUEUED);
  const events = await eventsOf(rig, "m-1", [
    EventType.SUBMISSION,
    EventType.SEND_RESULT,
    EventType.DELIVERY_REPORT,
  ]);
  const traceParent = `00-${traceId}-${call.spanId}-01`;
  expect(events.map((event) => event.traceParent)).toEqual(events.map(() => traceParent));
  const post = await collector.span(({ name }) => name === POST);
  expect(post).toMatchObject({ parentSpanId: "", links: [{ traceId, spanId: call.spanId }] });
  expect(post.traceId).not.toBe(traceId);
}
