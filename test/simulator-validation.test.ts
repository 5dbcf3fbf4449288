import { afterAll, beforeAll, expect, test } from "vitest";
import { createSimulator, type Simulator } from "../src/simulator/simulator.ts";
import { call, EVENTS, SEND, smsTo, textMessage, VALIDATE } from "./simulator-requests.ts";

let simulator: Simulator;
let base: string;

beforeAll(async () => {
  simulator = createSimulator();
  base = await simulator.start();
});
afterAll(() => simulator[Symbol.asyncDispose]());

const E400 = {
  errorCode: "E400",
  description: "Request cannot be processed.",
  action: "Check the syntax, violations and adjust the request.",
  resources: [],
};
const property = (name: string) => expect.objectContaining({ property: name });

test("names a value of the wrong type by its property path", async () => {
  const message = textMessage("SMS", ["111"], { content: { body: 7 } });

  const reply = await call(base, "POST", SEND, { messages: [message] });

  expect(reply.status).toBe(400);
  expect(reply.json).toEqual({
    ...E400,
    violations: [{ property: "messages[0].content.body", violation: "invalid value" }],
  });
});

test("names broken rules by their property paths, never by those of the protobuf fields", async () => {
  const message = textMessage("SMS", [], {
    destinations: [{ to: "111", messageId: "x".repeat(201) }],
    options: { validityPeriod: { amount: 9, timeUnit: "SECONDS" } },
    webhooks: { callbackData: "x".repeat(4001) },
  });

  const reply = await call(base, "POST", SEND, { messages: [message] });

  expect(reply.status).toBe(400);
  expect(reply.json.violations.map((one: { property: string }) => one.property).sort()).toEqual([
    "messages[0].destinations[0].messageId",
    "messages[0].options.validityPeriod",
    "messages[0].webhooks.callbackData",
  ]);
});

test.each([
  ["an unknown channel", { messages: [textMessage("PIGEON", ["111"])] }, "messages[0].channel"],
  ["no destinations", { messages: [textMessage("SMS", [])] }, "messages[0].destinations"],
  [
    "an unknown body type",
    { messages: [textMessage("SMS", ["1"], { content: { body: { type: "SONG" } } })] },
    "messages[0].content.body.type",
  ],
  ["no messages", { messages: [] }, "messages"],
  ["a list instead of an object", [], "messages"],
])("send refuses %s", async (_, request, path) => {
  const reply = await call(base, "POST", SEND, request);

  expect(reply.status).toBe(400);
  expect(reply.json).toMatchObject(E400);
  expect(reply.json.violations).toContainEqual(property(path));
});

test("send refuses failover onto the message's own channel", async () => {
  const message = textMessage("SMS", [], {
    destinations: [{ byChannel: [{ channel: "SMS", to: "111" }] }],
    failover: [{ channel: "SMS", sender: "x" }],
  });

  const reply = await call(base, "POST", SEND, { messages: [message] });

  expect(reply.status).toBe(400);
  expect(reply.json.violations).toContainEqual(property("messages[0]"));
});

test.each<[string, object, unknown]>([
  [
    "a channel that cannot be sent on",
    textMessage("KAKAO", ["111"]),
    { property: "messages[0].channel", violation: "invalid value" },
  ],
  [
    "failover without channel destinations",
    textMessage("SMS", ["111"], { failover: [{ channel: "RCS", sender: "x" }] }),
    {
      property: "messages[0]",
      violation: "with failover every destination must be a destination with byChannel",
    },
  ],
  [
    "a channel named twice",
    textMessage("SMS", [], {
      destinations: [{ byChannel: [1, 2].map((to) => ({ channel: "SMS", to: `${to}` })) }],
    }),
    {
      property: "messages[0].destinations[0]",
      violation: "byChannel names a channel twice; give each channel one destination",
    },
  ],
  [
    "a destination that is no object",
    textMessage("SMS", [], { destinations: [7] }),
    { property: "messages[0].destinations[0]", violation: "invalid value" },
  ],
])("says %s in words of the JSON", async (_, message, violation) => {
  const reply = await call(base, "POST", SEND, { messages: [message] });

  expect(reply.json.violations).toEqual([violation]);
});

test("a body that is no object lacks its properties", async () => {
  const reply = await call(base, "POST", SEND, []);

  expect(reply.json.violations.map((one: { property: string }) => one.property)).toEqual(["messages"]);
});

test("nothing of a refused request is accepted", async () => {
  const before = simulator.stats().messages.accepted;

  await call(base, "POST", SEND, { messages: [textMessage("SMS", ["111"]), textMessage("SMS", [])] });

  expect(simulator.stats().messages.accepted).toBe(before);
});

test("send tolerates unknown properties, validate lists them", async () => {
  const request = { messages: [textMessage("SMS", ["111"], { metadata: { a: 1 } })] };

  const sent = await call(base, "POST", SEND, request);
  const validated = await call(base, "POST", VALIDATE, request);

  expect(sent.status).toBe(200);
  expect(validated.status).toBe(200);
  expect(validated.json).toEqual({
    description: "Request can be sent through '/messages' endpoint and should be accepted by our platform.",
    action: "No action is required, but it is recommended to check and address any violations.",
    skippableViolations: [{ property: "messages[0].metadata", violation: "Unknown property" }],
  });
});

test("validate refuses without an error code and sends nothing", async () => {
  const before = simulator.stats().messages.accepted;
  const request = { messages: [textMessage("SMS", ["111"], { content: { body: 7 }, metadata: 1 })] };

  const reply = await call(base, "POST", VALIDATE, request);
  await call(base, "POST", VALIDATE, smsTo("111"));

  expect(reply.status).toBe(400);
  expect(reply.json).toEqual({
    description: E400.description,
    action: E400.action,
    violations: [{ property: "messages[0].content.body", violation: "invalid value" }],
    skippableViolations: [{ property: "messages[0].metadata", violation: "Unknown property" }],
  });
  expect(simulator.stats().messages.accepted).toBe(before);
});

test("the same request gets the same text every time", async () => {
  const request = { messages: [textMessage("SMS", [], { webhooks: { contentType: "text/plain" } })] };

  const replies = await Promise.all([1, 2, 3].map(() => call(base, "POST", VALIDATE, request)));

  expect(new Set(replies.map((one) => one.text)).size).toBe(1);
  expect(replies[0]?.json.violations).toHaveLength(2);
});

test("accepts events, one entry per destination, and refuses wrong ones", async () => {
  const event = {
    event: "TYPING_STARTED",
    channel: "RCS",
    sender: "x",
    destinations: [{ to: "1", messageId: "mine" }, { to: "2" }],
  };

  const good = await call(base, "POST", EVENTS, { events: [event] });
  const bad = await call(base, "POST", EVENTS, { events: [{ ...event, channel: "SMS" }] });

  expect(good.status).toBe(200);
  expect(good.json.messages).toMatchObject([{ messageId: "mine", destination: "1" }, { destination: "2" }]);
  expect(good.json.messages[1].messageId).toMatch(/^\d{19}$/);
  expect(bad.status).toBe(400);
  expect(bad.json.violations).toContainEqual(property("events[0].channel"));
  expect(simulator.stats().eventsAccepted).toBe(2);
});

test("a body that is no JSON is a 400 everywhere", async () => {
  const sent = await call(base, "POST", SEND, "{oops");
  const validated = await call(base, "POST", VALIDATE, "");

  expect([sent.status, sent.json]).toEqual([400, { ...E400, violations: [] }]);
  expect(validated.status).toBe(400);
  expect(validated.json).not.toHaveProperty("errorCode");
  expect(validated.json.violations).toEqual([]);
});
