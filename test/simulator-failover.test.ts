import { expect, test } from "vitest";
import { createSimulator } from "../src/simulator/simulator.ts";
import { call, SEND, textMessage } from "./simulator-requests.ts";
import { WebhookSink } from "./simulator-sink.ts";

interface Setting {
  readonly addresses: Readonly<Record<string, string>>;
  readonly delivery?: object;
  readonly messageId?: string;
}

/** Sends SMS with failover to Viber, then WhatsApp; returns the reports as `CHANNEL status`, and their ids. */
async function reportsOf({ addresses, delivery = {}, messageId = "outer" }: Setting) {
  await using sink = await WebhookSink.open();
  await using simulator = createSimulator({ reportDelayMs: 0, stepDelayMs: 0, batchWindowMs: 0 });
  const base = await simulator.start();
  const byChannel = Object.entries(addresses).map(([channel, to]) => ({ channel, to }));
  const message = textMessage("SMS", [], {
    destinations: [{ messageId, byChannel }],
    failover: [
      { channel: "VIBER_BM", sender: "Viber", content: { body: { type: "TEXT", text: "Hello" } } },
      { channel: "WHATSAPP", sender: "WA", template: { templateName: "hello", language: "en" } },
    ],
    webhooks: { delivery: { url: sink.url("/delivery"), ...delivery } },
  });
  const answer = await call(base, "POST", SEND, { messages: [message] });
  await simulator.idle();
  expect(answer.status).toBe(200);
  const items = sink.items("/delivery");
  return {
    reports: items.map((item) => `${item.channel} ${item.status.name}`),
    senders: items.map((item) => item.sender),
    ids: new Set(items.map((item) => item.messageId)),
  };
}

const sameNumber = (to: string) => ({ SMS: to, VIBER_BM: to, WHATSAPP: to });

test("99012 fails on the own channel and is delivered on the next one; only the last is reported", async () => {
  const { reports, senders, ids } = await reportsOf({ addresses: sameNumber("4479990099012") });

  expect(reports).toEqual(["VIBER_BM DELIVERED_TO_HANDSET"]);
  expect(senders).toEqual(["Viber"]);
  expect([...ids]).toEqual(["outer"]);
});

test("every step is reported with receiveTriggeredFailoverReports, all with the same message id", async () => {
  const { reports, ids } = await reportsOf({
    addresses: { SMS: "99002", VIBER_BM: "99003", WHATSAPP: "1" },
    delivery: { receiveTriggeredFailoverReports: true },
  });

  expect(reports).toEqual([
    "SMS UNDELIVERABLE_NOT_DELIVERED",
    "VIBER_BM EXPIRED_EXPIRED",
    "WHATSAPP DELIVERED_TO_HANDSET",
  ]);
  expect([...ids]).toEqual(["outer"]);
});

test("a message that is delivered on its own channel tries no other", async () => {
  const { reports } = await reportsOf({
    addresses: sameNumber("1"),
    delivery: { receiveTriggeredFailoverReports: true },
  });

  expect(reports).toEqual(["SMS DELIVERED_TO_HANDSET"]);
});

test("the last channel's failure is reported when every channel fails", async () => {
  const { reports } = await reportsOf({ addresses: sameNumber("99002") });

  expect(reports).toEqual(["WHATSAPP UNDELIVERABLE_NOT_DELIVERED"]);
});

test("a failover channel without an address is passed over", async () => {
  const { reports } = await reportsOf({ addresses: { SMS: "99002", WHATSAPP: "1" } });

  expect(reports).toEqual(["WHATSAPP DELIVERED_TO_HANDSET"]);
});

test("intermediate reports of each step come when both flags are set", async () => {
  const { reports } = await reportsOf({
    addresses: sameNumber("99012"),
    delivery: { receiveTriggeredFailoverReports: true, intermediateReport: true },
  });

  expect(reports).toEqual([
    "SMS PENDING_ENROUTE",
    "SMS UNDELIVERABLE_NOT_DELIVERED",
    "VIBER_BM PENDING_ENROUTE",
    "VIBER_BM DELIVERED_TO_HANDSET",
  ]);
});
