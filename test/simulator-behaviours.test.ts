import { expect, test } from "vitest";
import { ManualClock } from "../src/simulator/manual-clock.ts";
import { createSimulator } from "../src/simulator/simulator.ts";
import { call, SEND, smsTo, textMessage } from "./simulator-requests.ts";
import { WebhookSink } from "./simulator-sink.ts";

const AT_ONCE = { reportDelayMs: 0, stepDelayMs: 0, lateDelayMs: 0, batchWindowMs: 0 };

/** Sends one WhatsApp message to the address and returns what was reported, in order. */
async function reportsFor(address: string, intermediateReport: boolean) {
  await using sink = await WebhookSink.open();
  await using simulator = createSimulator({ ...AT_ONCE, inboundUrl: sink.url("/inbound") });
  const base = await simulator.start();
  const message = textMessage("WHATSAPP", [address], {
    webhooks: {
      delivery: { url: sink.url("/delivery"), intermediateReport },
      seen: { url: sink.url("/seen") },
    },
  });
  const answer = await call(base, "POST", SEND, { messages: [message] });
  await simulator.idle();
  const statuses = sink.items("/delivery").map((item) => `${item.status.groupId}/${item.status.id}`);
  return {
    answer,
    statuses,
    seen: sink.items("/seen"),
    inbound: sink.items("/inbound"),
    sink: sink.received,
  };
}

test.each([
  ["an ordinary number", "41793026727", ["3/5"], ["1/7", "3/5"]],
  ["99000 delivered", "4479990099000", ["3/5"], ["1/7", "3/5"]],
  ["99001 seen", "4479990099001", ["3/5"], ["1/7", "3/5"]],
  ["99002 undeliverable", "4479990099002", ["2/9"], ["1/7", "2/9"]],
  ["99003 expired", "4479990099003", ["4/15"], ["1/7", "4/15"]],
  ["99004 rejected", "4479990099004", [], []],
  ["99005 rejected later", "4479990099005", ["5/14"], ["1/7", "5/14"]],
  ["99006 late", "4479990099006", ["3/5"], ["1/7", "3/5"]],
  ["99007 duplicate reports", "4479990099007", ["3/5", "3/5"], ["1/7", "3/5", "3/5"]],
  ["99008 intermediate", "4479990099008", ["3/5"], ["3/2", "3/5"]],
  ["99009 out of order", "4479990099009", ["3/5"], ["3/5", "3/2", "1/7"]],
  ["99010 report before response", "4479990099010", ["3/5"], ["3/5"]],
  ["99011 no report", "4479990099011", [], []],
  ["99012 failover without failover", "4479990099012", ["2/9"], ["1/7", "2/9"]],
  ["99016 operator only", "4479990099016", ["3/2"], ["3/2"]],
  ["an address that is no number", "user-99002", ["2/9"], ["1/7", "2/9"]],
])("%s", async (_, address, finalOnly, all) => {
  expect((await reportsFor(address, false)).statuses).toEqual(finalOnly);
  expect((await reportsFor(address, true)).statuses).toEqual(all);
});

test("a rejected destination is refused in the answer and counted", async () => {
  const { answer } = await reportsFor("4479990099004", true);

  expect(answer.status).toBe(200);
  expect(answer.json.messages[0].status).toMatchObject({ groupId: 5, groupName: "REJECTED", id: 14 });
});

test("a late report waits for lateDelayMs", async () => {
  const clock = new ManualClock();
  await using sink = await WebhookSink.open();
  await using simulator = createSimulator({ clock, lateDelayMs: 30_000, deliveryUrl: sink.url("/delivery") });
  const base = await simulator.start();
  await call(base, "POST", SEND, smsTo("99006"));

  clock.advance(29_999);
  expect(simulator.stats()).toMatchObject({ outstanding: 1, webhooks: { posts: 0 } });
  clock.advance(1);
  clock.advance(5);
  await simulator.idle();

  const [report] = sink.items("/delivery");
  expect(report.status.name).toBe("DELIVERED_TO_HANDSET");
  expect(Date.parse(report.doneAt) - Date.parse(report.sentAt)).toBe(30_000);
});

test("duplicate reports are the same to the letter, in requests of their own", async () => {
  await using sink = await WebhookSink.open();
  await using simulator = createSimulator({ reportDelayMs: 0, stepDelayMs: 30, batchWindowMs: 0 });
  const base = await simulator.start();
  const webhooks = { delivery: { url: sink.url("/delivery") } };
  await call(base, "POST", SEND, { messages: [textMessage("SMS", ["99007"], { webhooks })] });
  await simulator.idle();

  expect(sink.received).toHaveLength(2);
  expect(sink.received[0]?.body).toBe(sink.received[1]?.body);
});

test("the report is taken before the response is sent", async () => {
  const order: string[] = [];
  await using sink = await WebhookSink.open(() => {
    order.push("report");
    return 200;
  });
  await using simulator = createSimulator({ deliveryUrl: sink.url("/delivery") });
  const base = await simulator.start();

  const answer = await call(base, "POST", SEND, smsTo("99010"));
  order.push("response");

  expect(order).toEqual(["report", "response"]);
  expect(sink.items("/delivery")[0].messageId).toBe(answer.json.messages[0].messageId);
});

test("a report that fails before the response does not hold the response up", async () => {
  await using sink = await WebhookSink.open(() => 500);
  await using simulator = createSimulator({ deliveryUrl: sink.url("/delivery") });
  const base = await simulator.start();

  expect((await call(base, "POST", SEND, smsTo("99010"))).status).toBe(200);
  expect(simulator.stats()).toMatchObject({ outstanding: 1, webhooks: { failedPosts: 1 } });
});

test("replies come in with sender and destination changed round", async () => {
  const { inbound, answer } = await reportsFor("4479990099013", false);

  expect(inbound).toHaveLength(1);
  expect(inbound[0]).toMatchObject({
    event: "MO",
    channel: "WHATSAPP",
    sender: "4479990099013",
    destination: "447491163862",
    content: [{ text: "Reply", cleanText: "Reply", type: "TEXT" }],
    pairedMessageId: answer.json.messages[0].messageId,
    messageCount: 1,
  });
});

test("typing comes before the reply, on channels that have it", async () => {
  const onWhatsApp = await reportsFor("99014", false);
  await using sink = await WebhookSink.open();
  await using simulator = createSimulator({ ...AT_ONCE, inboundUrl: sink.url("/inbound") });
  const base = await simulator.start();
  await call(base, "POST", SEND, { messages: [textMessage("RCS", ["99014"])] });
  await simulator.idle();

  expect(onWhatsApp.inbound.map((item) => item.event)).toEqual(["MO"]);
  expect(sink.items("/inbound").map((item) => item.event)).toEqual(["TYPING_STARTED", "MO"]);
  expect(sink.items("/inbound")[0]).not.toHaveProperty("content");
});

test("seen reports come on the channels that have them only", async () => {
  const onWhatsApp = await reportsFor("99001", false);
  await using sink = await WebhookSink.open();
  await using simulator = createSimulator({ ...AT_ONCE, seenUrl: sink.url("/seen") });
  const base = await simulator.start();
  await call(base, "POST", SEND, smsTo("99001"));
  await simulator.idle();

  expect(onWhatsApp.seen).toHaveLength(1);
  expect(sink.received).toEqual([]);
});

test("a seen report can come before the delivery report", async () => {
  await using sink = await WebhookSink.open();
  await using simulator = createSimulator({ reportDelayMs: 0, stepDelayMs: 1_000, batchWindowMs: 0 });
  const base = await simulator.start();
  const webhooks = { delivery: { url: sink.url("/delivery") }, seen: { url: sink.url("/seen") } };
  await call(base, "POST", SEND, { messages: [textMessage("RCS", ["99017"], { webhooks })] });

  await sink.until(1);

  expect(sink.received[0]?.path).toBe("/seen");
});

test("behaviours can be chosen by name, made up, or left to the address", async () => {
  await using sink = await WebhookSink.open();
  await using simulator = createSimulator({
    ...AT_ONCE,
    deliveryUrl: sink.url("/delivery"),
    behaviours: ({ to }) => {
      if (to === "1") return "expired";
      if (to === "2") return { steps: [{ kind: "report", status: "REJECTED_NOT_ENOUGH_CREDITS", atMs: 0 }] };
      return undefined;
    },
  });
  const base = await simulator.start();
  await call(base, "POST", SEND, smsTo("1", "2", "99002"));
  await simulator.idle();

  const byDestination = sink.items("/delivery").map((item) => [item.destination, item.status.name]);
  expect(Object.fromEntries(byDestination)).toEqual({
    "1": "EXPIRED_EXPIRED",
    "2": "REJECTED_NOT_ENOUGH_CREDITS",
    "99002": "UNDELIVERABLE_NOT_DELIVERED",
  });
});

test("scheduled messages wait for their time, scaled", async () => {
  const clock = new ManualClock();
  await using simulator = createSimulator({ clock, timeScale: 0.5, reportDelayMs: 10 });
  const base = await simulator.start();
  const sendAt = new Date(clock.now() + 3_600_000).toISOString();
  await call(base, "POST", SEND, { ...smsTo("1"), options: { schedule: { sendAt } } });

  clock.advance(1_800_009);
  expect(simulator.stats()).toMatchObject({ outstanding: 1, pendingReports: 0 });
  clock.advance(1);

  expect(simulator.stats()).toMatchObject({ outstanding: 0, pendingReports: 1 });
});
