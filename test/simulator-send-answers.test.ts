import { expect, test } from "vitest";
import { createSimulator } from "../src/simulator/simulator.ts";
import { call, SEND, smsTo, textMessage } from "./simulator-requests.ts";

const ACCEPTED = {
  groupId: 1,
  groupName: "PENDING",
  id: 26,
  name: "MESSAGE_ACCEPTED",
  description: "Message sent to next instance",
};

test("answers one entry per destination, in the order of the request, with ids of 19 digits", async () => {
  await using simulator = createSimulator();
  const base = await simulator.start();
  const request = { messages: [textMessage("SMS", ["111", "222"]), textMessage("WHATSAPP", ["333"])] };

  const reply = await call(base, "POST", SEND, request);

  expect(reply.status).toBe(200);
  expect(reply.headers.get("content-type")).toContain("application/json");
  expect(Object.keys(reply.json)).toEqual(["bulkId", "messages"]);
  expect(reply.json.bulkId).toMatch(/^\d{19}$/);
  expect(reply.json.messages.map((one: { destination: string }) => one.destination)).toEqual([
    "111",
    "222",
    "333",
  ]);
  const ids = reply.json.messages.map((one: { messageId: string }) => one.messageId);
  for (const id of ids) expect(id).toMatch(/^\d{19}$/);
  expect(new Set([...ids, reply.json.bulkId]).size).toBe(4);
  for (const one of reply.json.messages) expect(one.status).toEqual(ACCEPTED);
});

test("keeps the caller's bulk id and message ids", async () => {
  await using simulator = createSimulator();
  const base = await simulator.start();
  const message = textMessage("SMS", [], { destinations: [{ to: "111", messageId: "mine" }] });

  const reply = await call(base, "POST", SEND, {
    messages: [message],
    options: { schedule: { bulkId: "bulk" } },
  });

  expect(reply.json).toEqual({
    bulkId: "bulk",
    messages: [{ messageId: "mine", status: ACCEPTED, destination: "111" }],
  });
});

test("the id of a channels destination wins over the ids within it", async () => {
  await using simulator = createSimulator();
  const base = await simulator.start();
  const byChannel = [
    { channel: "SMS", to: "111", messageId: "inner" },
    { channel: "WHATSAPP", to: "222" },
  ];
  const destinations = [{ messageId: "outer", byChannel }, { byChannel }];

  const reply = await call(base, "POST", SEND, { messages: [textMessage("SMS", [], { destinations })] });

  expect(reply.json.messages.map((one: { messageId: string }) => one.messageId)).toEqual(["outer", "inner"]);
  expect(reply.json.messages[0].destination).toBe("111");
});

test("refuses a message id seen before, in the 200, and counts both", async () => {
  await using simulator = createSimulator();
  const base = await simulator.start();
  const message = textMessage("SMS", [], { destinations: [{ to: "111", messageId: "twice" }] });
  await call(base, "POST", SEND, { messages: [message] });

  const reply = await call(base, "POST", SEND, { messages: [message] });

  expect(reply.status).toBe(200);
  expect(reply.json.messages[0].status).toMatchObject({
    groupId: 5,
    groupName: "REJECTED",
    id: 23,
    name: "REJECTED_DUPLICATE_MESSAGE_ID",
  });
  expect(simulator.counts("twice")).toEqual({ accepted: 1, duplicates: 1, rejected: 0 });
  expect(simulator.counts("never")).toEqual({ accepted: 0, duplicates: 0, rejected: 0 });
  expect(simulator.stats().messages).toEqual({ accepted: 1, duplicates: 1, rejected: 0 });
  expect(simulator.messages().map((one) => one.messageId)).toEqual(["twice"]);
});

test("accepts a repeated id twice when duplicates are not refused, so that tests can see a double", async () => {
  await using simulator = createSimulator({ refuseDuplicates: false });
  const base = await simulator.start();
  const message = textMessage("SMS", [], { destinations: [{ to: "111", messageId: "twice" }] });

  const reply = await call(base, "POST", SEND, { messages: [message, message] });

  expect(reply.json.messages.map((one: { status: object }) => one.status)).toEqual([ACCEPTED, ACCEPTED]);
  expect(simulator.counts("twice").accepted).toBe(2);
});

test("keeps requests for inspection, without their credentials", async () => {
  await using simulator = createSimulator();
  const base = await simulator.start();
  const arrived = simulator.whenReceived("messages", 1);

  await call(base, "POST", SEND, smsTo("111"));

  await arrived;
  const [recorded] = simulator.requests();
  expect(recorded).toMatchObject({ endpoint: "messages", method: "POST", url: SEND });
  expect(JSON.parse(recorded?.body ?? "")).toEqual(smsTo("111"));
  expect(recorded?.headers["content-type"]).toBe("application/json");
  expect(recorded?.headers.authorization).toBeUndefined();
  expect(simulator.stats().requests.messages).toBe(1);
});
