import { expect, test } from "vitest";
import { createSimulator } from "../src/simulator/simulator.ts";
import { call, SEND, smsTo } from "./simulator-requests.ts";
import { WebhookSink } from "./simulator-sink.ts";

const NO_HEADERS = {};

test("faults can be set, listed and cleared over HTTP, without credentials", async () => {
  await using simulator = createSimulator();
  const base = await simulator.start();
  const faults = [{ kind: "rate-limited", count: 2, retryAfterSeconds: 1 }];

  const set = await call(base, "POST", "/simulator/faults", faults, NO_HEADERS);
  expect([set.status, set.json]).toEqual([200, { faults }]);
  expect((await call(base, "POST", SEND, smsTo("1"))).status).toBe(429);
  expect((await call(base, "GET", "/simulator/faults", undefined, NO_HEADERS)).json.faults[0].count).toBe(1);
  await call(base, "DELETE", "/simulator/faults", undefined, NO_HEADERS);
  expect((await call(base, "POST", SEND, smsTo("1"))).status).toBe(200);
});

test.each([
  ["an unknown kind", { kind: "meteor" }, /kind/],
  ["an unknown property", { kind: "hang", forever: true }, /forever/],
  ["a probability above 1", { kind: "hang", probability: 2 }, /probability/],
  ["nothing", undefined, /object/],
  ["no JSON", "{", /JSON/],
])("setting %s is refused by name and sets nothing", async (_, body, text) => {
  await using simulator = createSimulator();
  const base = await simulator.start();

  const reply = await call(base, "POST", "/simulator/faults", body, NO_HEADERS);

  expect(reply.status).toBe(400);
  expect(reply.json.error).toMatch(text);
  expect(simulator.stats().faults).toBe(0);
});

test("at most 1000 faults wait", async () => {
  await using simulator = createSimulator();
  const base = await simulator.start();
  const many = Array.from({ length: 1_000 }, () => ({ kind: "hang" }));

  expect((await call(base, "POST", "/simulator/faults", many)).status).toBe(200);
  const over = await call(base, "POST", "/simulator/faults", { kind: "hang" });

  expect([over.status, over.json.error]).toEqual([400, expect.stringMatching(/at most 1000/)]);
});

test("counters and message counts can be read over HTTP", async () => {
  await using simulator = createSimulator();
  const base = await simulator.start();
  const sent = await call(base, "POST", SEND, smsTo("1"));
  await simulator.idle();
  const { messageId } = sent.json.messages[0];

  const stats = await call(base, "GET", "/simulator/stats", undefined, NO_HEADERS);
  const counts = await call(base, "GET", `/simulator/messages?messageId=${messageId}`, undefined, NO_HEADERS);
  const messages = await call(base, "GET", "/simulator/messages", undefined, NO_HEADERS);
  const requests = await call(base, "GET", "/simulator/requests", undefined, NO_HEADERS);

  expect(stats.json).toEqual(JSON.parse(JSON.stringify(simulator.stats())));
  expect(stats.json).toMatchObject({
    requests: { messages: 1 },
    messages: { accepted: 1 },
    pendingReports: 1,
  });
  expect(counts.json).toEqual({ accepted: 1, duplicates: 0, rejected: 0 });
  expect(messages.json.messages[0].messageId).toBe(messageId);
  expect(requests.json.requests[0].endpoint).toBe("messages");
});

test("an inbound message and typing can be caused over HTTP", async () => {
  await using sink = await WebhookSink.open();
  await using simulator = createSimulator({ inboundUrl: sink.url("/inbound"), batchWindowMs: 0 });
  const base = await simulator.start();
  const parties = { sender: "41793026727", destination: "447491163862" };
  const content = [{ type: "REACTION", emoji: "+1", action: "ADD" }];

  const typing = await call(base, "POST", "/simulator/typing", { channel: "RCS", ...parties });
  const message = await call(base, "POST", "/simulator/inbound", { channel: "RCS", ...parties, content });
  await simulator.idle();

  const items = sink.items("/inbound");
  expect(items).toContainEqual(
    expect.objectContaining({ event: "TYPING_STARTED", messageId: typing.json.messageId, ...parties }),
  );
  expect(items).toContainEqual(
    expect.objectContaining({ event: "MO", messageId: message.json.messageId, content, ...parties }),
  );
});

test.each([
  ["/simulator/inbound", { channel: "LINE_ON", sender: "1", destination: "2", text: "x" }],
  ["/simulator/inbound", { channel: "SMS", sender: "1", destination: "2" }],
  [
    "/simulator/inbound",
    { channel: "SMS", sender: "1", destination: "2", text: "x", content: [{ type: "TEXT" }] },
  ],
  ["/simulator/typing", { channel: "SMS", sender: "1", destination: "2" }],
  ["/simulator/typing", { event: "TYPING_STOPPED", channel: "RCS", sender: "1", destination: "2" }],
])("%s refuses what Infobip could not send: %j", async (path, body) => {
  await using simulator = createSimulator();
  const base = await simulator.start();

  expect((await call(base, "POST", path, body)).status).toBe(400);
  expect(simulator.stats().pendingInbound).toBe(0);
});

test("idle can be awaited over HTTP", async () => {
  await using sink = await WebhookSink.open();
  await using simulator = createSimulator({ deliveryUrl: sink.url("/delivery"), lateDelayMs: 60_000 });
  const base = await simulator.start();
  await call(base, "POST", SEND, smsTo("1"));

  const first = await call(base, "GET", "/simulator/idle");
  expect(first.json).toEqual({ idle: true, outstanding: 0 });
  expect(sink.items("/delivery")).toHaveLength(1);

  await call(base, "POST", SEND, smsTo("99006"));
  expect((await call(base, "GET", "/simulator/idle?timeoutMs=1")).json).toEqual({
    idle: false,
    outstanding: 1,
  });
});

test("reset forgets everything and drops what was to come", async () => {
  await using simulator = createSimulator({ reportDelayMs: 0 });
  const base = await simulator.start();
  const message = { ...smsTo("1").messages[0], destinations: [{ to: "1", messageId: "a" }] };
  await call(base, "POST", SEND, { messages: [message] });
  await simulator.idle();
  await call(base, "POST", SEND, smsTo("99006"));
  simulator.injectFaults({ kind: "hang" });
  const idle = simulator.idle();

  await call(base, "POST", "/simulator/reset");

  await idle;
  expect(simulator.stats()).toMatchObject({
    requests: { messages: 0 },
    responses: {},
    messages: { accepted: 0 },
    outstanding: 0,
    pendingReports: 0,
    faults: 0,
  });
  const again = await call(base, "POST", SEND, { messages: [message] });
  expect(again.json.messages[0].status.name).toBe("MESSAGE_ACCEPTED");
});

test("unknown control endpoints are 404", async () => {
  await using simulator = createSimulator();
  const base = await simulator.start();

  expect((await call(base, "GET", "/simulator/nothing")).status).toBe(404);
  expect((await call(base, "PUT", "/simulator/faults", {})).status).toBe(404);
});
