import { expect, test } from "vitest";
import { ManualClock } from "../src/simulator/manual-clock.ts";
import { createSimulator } from "../src/simulator/simulator.ts";
import { call, INBOUND, REPORTS, SEND, textMessage } from "./simulator-requests.ts";

const AT_ONCE = { reportDelayMs: 0, stepDelayMs: 0 };
const numbers = (count: number) => Array.from({ length: count }, (_, index) => `4479${index + 1_000}`);

test("each report without a webhook is handed out once, 50 by default, at most 1000", async () => {
  await using simulator = createSimulator(AT_ONCE);
  const base = await simulator.start();
  await call(base, "POST", SEND, { messages: [textMessage("SMS", numbers(1_100))] });
  await simulator.idle();
  const fetchCount = async (query: string) =>
    (await call(base, "GET", `${REPORTS}${query}`)).json.results.length;

  expect(simulator.stats().pendingReports).toBe(1_100);
  expect(await fetchCount("")).toBe(50);
  expect(await fetchCount("?limit=1000")).toBe(1_000);
  expect(await fetchCount("?limit=1000")).toBe(50);
  expect(await fetchCount("")).toBe(0);
});

test.each(["0", "1001", "-1", "many"])("limit %s is refused and hands out nothing", async (limit) => {
  await using simulator = createSimulator(AT_ONCE);
  const base = await simulator.start();
  await call(base, "POST", SEND, { messages: [textMessage("SMS", ["1"])] });
  await simulator.idle();

  const reply = await call(base, "GET", `${REPORTS}?limit=${limit}`);

  expect(reply.status).toBe(400);
  expect(reply.json.violations).toEqual([{ property: "limit", violation: "must be between 1 and 1000" }]);
  expect(simulator.stats().pendingReports).toBe(1);
});

test.each([
  ["channel=WHATSAPP", ["wa"]],
  ["bulkId=bulk", ["sms", "wa"]],
  ["bulkId=other", []],
  ["messageId=sms", ["sms"]],
  ["entityId=entity", ["wa"]],
  ["applicationId=application&channel=WHATSAPP", ["wa"]],
  ["campaignReferenceId=campaign", ["sms"]],
])("reports can be picked by %s; the others stay", async (query, ids) => {
  await using simulator = createSimulator(AT_ONCE);
  const base = await simulator.start();
  const sms = textMessage("SMS", [], {
    destinations: [{ to: "1", messageId: "sms" }],
    options: { campaignReferenceId: "campaign" },
  });
  const whatsApp = textMessage("WHATSAPP", [], {
    destinations: [{ to: "2", messageId: "wa" }],
    options: { platform: { entityId: "entity", applicationId: "application" } },
  });
  await call(base, "POST", SEND, {
    messages: [sms, whatsApp],
    options: { schedule: { bulkId: "bulk" } },
  });
  await simulator.idle();

  const { json } = await call(base, "GET", `${REPORTS}?${query}`);

  expect(json.results.map((item: { messageId: string }) => item.messageId)).toEqual(ids);
  expect(simulator.stats().pendingReports).toBe(2 - ids.length);
});

test("an unknown channel is refused", async () => {
  await using simulator = createSimulator();
  const base = await simulator.start();

  expect((await call(base, "GET", `${REPORTS}?channel=PIGEON`)).status).toBe(400);
});

test("reports are dropped after 48 hours", async () => {
  const clock = new ManualClock();
  await using simulator = createSimulator({ ...AT_ONCE, clock });
  const base = await simulator.start();
  await call(base, "POST", SEND, { messages: [textMessage("SMS", ["1"])] });
  clock.advance(0);
  expect(simulator.stats().pendingReports).toBe(1);

  clock.advance(48 * 3_600_000 + 1);

  expect((await call(base, "GET", REPORTS)).json.results).toEqual([]);
});

test("inbound messages are handed out once, by channel, with both counts", async () => {
  await using simulator = createSimulator(AT_ONCE);
  const base = await simulator.start();
  for (const sender of ["1", "2", "3"]) {
    simulator.receiveInbound({ channel: "SMS", sender, destination: "9", text: `from ${sender}` });
  }
  simulator.receiveInbound({ channel: "WHATSAPP", sender: "4", destination: "9", text: "hi" });

  const first = await call(base, "GET", `${INBOUND}?channel=SMS&limit=2`);
  const second = await call(base, "GET", `${INBOUND}?channel=SMS`);

  expect(first.json).toMatchObject({ messageCount: 2, pendingMessageCount: 1 });
  expect(first.json.results.map((item: { sender: string }) => item.sender)).toEqual(["1", "2"]);
  expect(second.json).toMatchObject({ messageCount: 1, pendingMessageCount: 0, results: [{ sender: "3" }] });
  expect(simulator.stats().pendingInbound).toBe(1);
});

test("fetching inbound messages needs a channel that has them", async () => {
  await using simulator = createSimulator();
  const base = await simulator.start();

  const without = await call(base, "GET", INBOUND);
  const wrong = await call(base, "GET", `${INBOUND}?channel=RCS`);

  expect([without.status, without.json.violations]).toEqual([
    400,
    [{ property: "channel", violation: "value is required" }],
  ]);
  expect([wrong.status, wrong.json.errorCode]).toEqual([400, "E400"]);
});

test("replies wait to be fetched, typing does not", async () => {
  await using simulator = createSimulator(AT_ONCE);
  const base = await simulator.start();
  const answer = await call(base, "POST", SEND, { messages: [textMessage("APPLE_MB", ["99014"])] });
  await simulator.idle();

  const { json } = await call(base, "GET", `${INBOUND}?channel=APPLE_MB`);

  expect(json.results).toMatchObject([
    { event: "MO", sender: "99014", pairedMessageId: answer.json.messages[0].messageId },
  ]);
});
