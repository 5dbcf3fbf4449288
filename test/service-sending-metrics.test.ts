import { expect, test } from "vitest";
import { Channel } from "../gen/infobip/messages/v1/channel_pb.js";
import { startServiceRig } from "./fixtures/service-rig.ts";

test("a service that sends tells it on its page", async () => {
  await using rig = await startServiceRig({ publicUrl: false });
  rig.simulator.injectFaults({ kind: "unavailable", retryAfterSeconds: 0, endpoints: ["messages"] });
  const destinations = [{ kind: { case: "toDestination" as const, value: { to: "41790000001" } } }];
  const content = { body: { type: { case: "text" as const, value: { text: "Hello" } } } };
  const message = { channel: Channel.SMS, sender: "Shop", destinations, content };
  const request = {
    messages: [{ kind: { case: "message" as const, value: message } }],
    requestId: "order-7",
  };
  await rig.messages.sendMessages(request);
  await rig.messages.sendMessages(request);
  const lines = (await (await fetch(`http://${rig.addresses.admin}/metrics`)).text()).split("\n");
  for (const line of [
    'upstream_requests_total{outcome="SENT",reason="OK"} 1',
    'upstream_requests_total{outcome="NOT_SENT",reason="UPSTREAM_FAILED"} 1',
    'upstream_retries_total{reason="UPSTREAM_FAILED"} 1',
    "upstream_request_messages_sum 2",
    'request_id_repeats_total{result="replayed"} 1',
    "request_id_answers_not_stored_total 0",
    "send_queue_calls 0",
    "send_queue_bytes 0",
    "send_queue_age_seconds 0",
    "rate_limit_wait_seconds 0",
    "upstream_requests_in_flight 0",
    'upstream_circuit{state="closed"} 1',
    'outbox_submissions{state="QUEUED"} 0',
    "outbox_overdue_seconds 0",
  ]) {
    expect(lines).toContain(`infobip_rpc_${line}`);
  }
});
