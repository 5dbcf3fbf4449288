import { XMLParser } from "fast-xml-parser";
import { expect, test } from "vitest";
import { createSimulator } from "../src/simulator/simulator.ts";
import { call, SEND, smsTo, textMessage } from "./simulator-requests.ts";
import { WebhookSink } from "./simulator-sink.ts";

const AT_ONCE = { reportDelayMs: 0, stepDelayMs: 0, batchWindowMs: 0 };
const INSTANT = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000$/);
const ECHOED = {
  webhooks: { callbackData: '{"order":"<7> & \'8\'"}' },
  options: {
    platform: { entityId: "entity", applicationId: "application" },
    campaignReferenceId: "campaign",
    correlationData: "correlation",
  },
};

test("a delivery report echoes what the message brought", async () => {
  await using sink = await WebhookSink.open();
  await using simulator = createSimulator({ ...AT_ONCE, deliveryUrl: sink.url("/delivery") });
  const base = await simulator.start();
  const answer = await call(base, "POST", SEND, { messages: [textMessage("SMS", ["111"], ECHOED)] });
  await simulator.idle();

  expect(sink.received[0]?.headers["content-type"]).toBe("application/json");
  expect(sink.bodies("/delivery")).toEqual([
    {
      results: [
        {
          event: "DELIVERY",
          channel: "SMS",
          sender: "447491163862",
          destination: "111",
          sentAt: INSTANT,
          doneAt: INSTANT,
          bulkId: answer.json.bulkId,
          messageId: answer.json.messages[0].messageId,
          callbackData: ECHOED.webhooks.callbackData,
          messageCount: 1,
          status: {
            groupId: 3,
            groupName: "DELIVERED",
            id: 5,
            name: "DELIVERED_TO_HANDSET",
            description: "Message delivered to handset",
          },
          error: {
            groupId: 0,
            groupName: "OK",
            id: 0,
            name: "NO_ERROR",
            description: "No Error",
            permanent: false,
          },
          platform: { entityId: "entity", applicationId: "application" },
          campaignReferenceId: "campaign",
        },
      ],
    },
  ]);
});

test("an XML report wraps one `results` per report in `results`, and escapes", async () => {
  await using sink = await WebhookSink.open();
  await using simulator = createSimulator({ ...AT_ONCE, deliveryUrl: sink.url("/delivery") });
  const base = await simulator.start();
  const webhooks = { ...ECHOED.webhooks, contentType: "application/xml" };
  const message = textMessage("SMS", ["111", "99002"], { ...ECHOED, webhooks });
  await call(base, "POST", SEND, { messages: [message] });
  await simulator.idle();

  const [request] = sink.received;
  expect(sink.received).toHaveLength(1);
  expect(request?.headers["content-type"]).toBe("application/xml");
  expect(request?.body).toMatch(
    /^<\?xml version="1\.0" encoding="UTF-8"\?><MessagesApiDeliveryReportResponse><results><results><event>DELIVERY<\/event><channel>SMS<\/channel>/,
  );
  const parsed = new XMLParser({ parseTagValue: false }).parse(request?.body ?? "");
  const items = parsed.MessagesApiDeliveryReportResponse.results.results;
  expect(items).toHaveLength(2);
  expect(items[0]).toMatchObject({
    destination: "111",
    callbackData: ECHOED.webhooks.callbackData,
    status: { groupId: "3", id: "5" },
    error: { permanent: "false" },
    platform: { entityId: "entity", applicationId: "application" },
  });
  expect(items[1]).toMatchObject({ destination: "99002", status: { groupName: "UNDELIVERABLE" } });
});

test("a seen report and a reply echo what the message brought", async () => {
  await using sink = await WebhookSink.open();
  await using simulator = createSimulator({
    ...AT_ONCE,
    seenUrl: sink.url("/seen"),
    inboundUrl: sink.url("/inbound"),
  });
  const base = await simulator.start();
  await call(base, "POST", SEND, { messages: [textMessage("WHATSAPP", ["99001", "99013"], ECHOED)] });
  await simulator.idle();

  const platform = ECHOED.options.platform;
  const shared = { callbackData: ECHOED.webhooks.callbackData, platform, campaignReferenceId: "campaign" };
  expect(sink.items("/seen")).toMatchObject([{ event: "SEEN", sentAt: INSTANT, seenAt: INSTANT, ...shared }]);
  expect(sink.items("/inbound")).toMatchObject([
    { event: "MO", receivedAt: INSTANT, ...shared, metadata: { correlationData: "correlation" } },
  ]);
});

test("a click report is one object with flat ids, to the tracking URL", async () => {
  await using sink = await WebhookSink.open();
  await using simulator = createSimulator(AT_ONCE);
  const base = await simulator.start();
  const content = { body: { type: "TEXT", text: "See https://example.com/a?b=1 now" } };
  const message = textMessage("SMS", ["99015"], { ...ECHOED, content });
  const tracking = { trackingUrl: sink.url("/click") };
  const answer = await call(base, "POST", SEND, { messages: [message], options: { tracking } });
  await simulator.idle();

  expect(sink.bodies("/click")).toEqual([
    {
      notificationType: "CLICKED",
      recipient: "99015",
      url: "https://example.com/a?b=1",
      sendDateTime: expect.any(Number),
      messageId: answer.json.messages[0].messageId,
      bulkId: answer.json.bulkId,
      callbackData: ECHOED.webhooks.callbackData,
      recipientInfo: { deviceType: "Phone", os: "iOS 12", deviceName: "Apple" },
      geoLocationInfo: { countryName: "United States", city: "Los Angeles" },
      applicationId: "application",
      entityId: "entity",
    },
  ]);
});

test("no click is reported when clicks are not tracked or no URL is set", async () => {
  await using sink = await WebhookSink.open();
  await using simulator = createSimulator(AT_ONCE);
  const base = await simulator.start();
  const untracked = { trackingUrl: sink.url("/click"), trackClicks: false };
  await call(base, "POST", SEND, { ...smsTo("99015"), options: { tracking: untracked } });
  await call(base, "POST", SEND, smsTo("99015"));
  await simulator.idle();

  expect(sink.received).toEqual([]);
});

test("reports are batched, up to 100 in a request", async () => {
  await using sink = await WebhookSink.open();
  await using simulator = createSimulator({
    ...AT_ONCE,
    batchWindowMs: 60_000,
    deliveryUrl: sink.url("/delivery"),
  });
  const base = await simulator.start();
  await call(base, "POST", SEND, smsTo(...Array.from({ length: 200 }, (_, index) => `4479${index + 1_000}`)));
  await simulator.idle();

  expect(sink.bodies("/delivery").map((body) => body.results.length)).toEqual([100, 100]);
  expect(new Set(sink.items("/delivery").map((item) => item.messageId)).size).toBe(200);
});

test("a message's own URL wins over the account's", async () => {
  await using sink = await WebhookSink.open();
  await using simulator = createSimulator({ ...AT_ONCE, deliveryUrl: sink.url("/account") });
  const base = await simulator.start();
  const webhooks = { delivery: { url: sink.url("/own") } };
  await call(base, "POST", SEND, {
    messages: [textMessage("SMS", ["1"], { webhooks }), textMessage("SMS", ["2"])],
  });
  await simulator.idle();

  expect(sink.items("/own").map((item) => item.destination)).toEqual(["1"]);
  expect(sink.items("/account").map((item) => item.destination)).toEqual(["2"]);
});

test("webhook headers can be fixed or made from the body", async () => {
  await using sink = await WebhookSink.open();
  await using fixed = createSimulator({
    ...AT_ONCE,
    deliveryUrl: sink.url("/fixed"),
    webhookHeaders: { authorization: "Basic eDp5" },
  });
  await using signed = createSimulator({
    ...AT_ONCE,
    deliveryUrl: sink.url("/signed"),
    webhookHeaders: (body) => ({ "x-length": String(body.length) }),
  });
  await call(await fixed.start(), "POST", SEND, smsTo("1"));
  await call(await signed.start(), "POST", SEND, smsTo("1"));
  await Promise.all([fixed.idle(), signed.idle()]);

  const byPath = Object.fromEntries(sink.received.map((one) => [one.path, one]));
  expect(byPath["/fixed"]?.headers.authorization).toBe("Basic eDp5");
  expect(byPath["/signed"]?.headers["x-length"]).toBe(String(byPath["/signed"]?.body.length));
});
