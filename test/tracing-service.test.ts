import { createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { expect, test } from "vitest";
import { EventType } from "../gen/infobip/events/v1/event_pb.js";
import { MessagesService } from "../gen/infobip/messages/v1/messages_service_pb.js";
import { type OtlpCollector, startCollector } from "./fixtures/otlp-collector.ts";
import { startServiceRig } from "./fixtures/service-rig.ts";
import {
  eventsOf,
  SECRET_NUMBER,
  SECRET_TEXT,
  tracedMessage,
  traceIdOf,
  traceOf,
} from "./fixtures/traced-message.ts";

const SEND = "infobip.messages.v1.MessagesService/SendMessages";
const POST = "POST /messages-api/1/messages";
const SENT = [EventType.SEND_RESULT, EventType.DELIVERY_REPORT];

function exporting(collector: OtlpCollector, variables: Record<string, string> = {}) {
  return { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_BSP_SCHEDULE_DELAY: "20", ...variables };
}

test("follows a call from its client through the request to Infobip into its delivery report", async () => {
  await using collector = await startCollector();
  await using rig = await startServiceRig({ environment: exporting(collector) });
  const { traceId, spanId, header } = traceOf(1);
  await rig.messages.sendMessages(
    { messages: [tracedMessage("m-1")] },
    { headers: { traceparent: header, tracestate: "shop=order-7" } },
  );
  const call = await collector.span(({ name }) => name === SEND);
  expect(call).toMatchObject({
    traceId,
    parentSpanId: spanId,
    kind: 2,
    status: 0,
    traceState: "shop=order-7",
  });
  expect(call.attributes).toEqual({
    "rpc.system.name": "grpc",
    "rpc.method": SEND,
    "rpc.status_code": "OK",
  });
  expect(call.resource).toMatchObject({ "service.name": "infobip-rpc" });
  const post = await collector.span(({ name }) => name === POST);
  expect(post).toMatchObject({ traceId, parentSpanId: call.spanId, kind: 3, status: 0, links: [] });
  expect(post.attributes).toMatchObject({
    "http.request.method": "POST",
    "http.response.status_code": 200,
    "url.template": "/messages-api/1/messages",
    "server.address": "127.0.0.1",
  });
  const traceParent = `00-${traceId}-${call.spanId}-01`;
  const events = await eventsOf(rig, "m-1", SENT);
  expect(events.map((event) => event.traceParent)).toEqual(events.map(() => traceParent));
  const intake = await collector.span(({ name, links }) => name === "process delivery" && links.length > 0);
  expect(intake).toMatchObject({ kind: 5, parentSpanId: "", links: [{ traceId, spanId: call.spanId }] });
  expect(intake.traceId).not.toBe(traceId);
  expect(intake.durationNs).toBeGreaterThan(0n);
  for (const secret of [SECRET_NUMBER, SECRET_TEXT, "simulator"])
    expect(collector.text()).not.toContain(secret);
  const sent = rig.simulator.requests();
  expect(JSON.stringify(sent)).not.toContain(traceId);
});

test("links the request that several calls share to each of them", async () => {
  await using collector = await startCollector();
  await using rig = await startServiceRig({
    environment: exporting(collector),
    flags: { "--upstream-connections": "1" },
  });
  const calls = [1, 2, 3].map((n) =>
    rig.messages.sendMessages(
      { messages: [tracedMessage(`m-${n}`)] },
      { headers: { traceparent: traceOf(n).header } },
    ),
  );
  await Promise.all(calls);
  const shared = await collector.span(({ name, links }) => name === POST && links.length > 1);
  expect(shared.parentSpanId).toBe("");
  const linked = shared.links.map(({ spanId }) => spanId);
  for (const { traceId, spanId } of shared.links) {
    const call = await collector.span((span) => span.spanId === spanId);
    expect(call).toMatchObject({ name: SEND, traceId });
  }
  expect(new Set(linked).size).toBe(linked.length);
});

test("keeps the context of callers though it exports nothing itself", async () => {
  await using rig = await startServiceRig();
  const unsampled = traceOf(4, "00");
  const transport = createConnectTransport({ baseUrl: `http://${rig.addresses.http}`, httpVersion: "1.1" });
  const connect = createClient(MessagesService, transport);
  await connect.sendMessages(
    { messages: [tracedMessage("c-1")] },
    { headers: { traceparent: unsampled.header } },
  );
  const events = await eventsOf(rig, "c-1", SENT);
  expect(events.map(({ traceParent }) => traceParent)).toEqual(events.map(() => unsampled.header));
  await rig.messages.sendMessages(
    { messages: [tracedMessage("c-2")] },
    { headers: { traceparent: unsampled.header.toUpperCase() } },
  );
  for (const { traceParent } of await eventsOf(rig, "c-2", SENT)) expect(traceParent).toBeUndefined();
});

test("makes spans of errors, and of no call that its client has not sampled", async () => {
  await using collector = await startCollector();
  await using rig = await startServiceRig({ environment: exporting(collector) });
  const left = traceOf(8, "00");
  const refused = rig.messages.sendMessages(
    { messages: [] },
    { headers: { traceparent: traceOf(7).header } },
  );
  await expect(refused).rejects.toThrow("invalid");
  rig.simulator.injectFaults({ kind: "server-error" });
  const failed = rig.messages.sendMessages(
    { messages: [tracedMessage("m-1")] },
    { headers: { traceparent: traceOf(9).header } },
  );
  await expect(failed).rejects.toThrow();
  const call = await collector.span(({ traceId }) => traceId === traceOf(7).traceId);
  expect(call.attributes).toMatchObject({
    "rpc.status_code": "INVALID_ARGUMENT",
    "error.type": "INVALID_ARGUMENT",
    "infobip_rpc.reason": "REQUEST_INVALID",
  });
  expect(call.status).toBe(0);
  const post = await collector.span(({ name }) => name === POST);
  expect(post).toMatchObject({
    status: 2,
    attributes: { "http.response.status_code": 500, "error.type": "500" },
  });
  await rig.messages.sendMessages(
    { messages: [tracedMessage("m-2")] },
    { headers: { traceparent: left.header } },
  );
  const events = await eventsOf(rig, "m-2", SENT);
  expect(events.map(({ traceParent }) => traceIdOf(traceParent))).toEqual(events.map(() => left.traceId));
  await rig.service.drain();
  expect(collector.spans.filter(({ traceId }) => traceId === left.traceId)).toEqual([]);
});

test("exports what has ended when the service drains", async () => {
  await using collector = await startCollector();
  const slow = exporting(collector, { OTEL_BSP_SCHEDULE_DELAY: "600000" });
  await using rig = await startServiceRig({ environment: slow });
  await rig.messages.sendMessages({ messages: [tracedMessage("m-1")] });
  expect(collector.spans).toEqual([]);
  await rig.service.drain();
  expect(collector.spans.map(({ name }) => name)).toEqual(expect.arrayContaining([SEND, POST]));
});
