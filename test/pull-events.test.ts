import { expect, test } from "vitest";
import { EventType } from "../gen/infobip/events/v1/event_pb.js";
import { Channel } from "../gen/infobip/messages/v1/channel_pb.js";
import { createPollers } from "../src/webhook/pollers.ts";
import { WebhookReceiver } from "../src/webhook/receiver.ts";
import { MemoryEventLog } from "./fixtures/memory-event-log.ts";
import { bodyOf, deliveryReport } from "./fixtures/webhook-target.ts";
import { startPullRig, ToldEvents, WaitableClock } from "./pull-rig.ts";
import { call, REPORTS } from "./simulator-requests.ts";

const numbers = (count: number) => Array.from({ length: count }, (_, index) => `4479${index + 1_000}`);

test("delivery reports arrive as events, and each fetch asks for one page", async () => {
  await using rig = await startPullRig();
  await rig.send("4479001", "4479002");

  rig.pollers.start();
  await rig.told.until("stored", 1);

  expect(rig.events().map(({ type, destination, final }) => ({ type, destination, final }))).toEqual([
    { type: EventType.DELIVERY_REPORT, destination: "4479001", final: true },
    { type: EventType.DELIVERY_REPORT, destination: "4479002", final: true },
  ]);
  expect(rig.simulator.requests().map(({ method, url }) => `${method} ${url}`)).toContain(
    "GET /messages-api/1/reports?limit=500",
  );
  expect(await rig.passWait()).toBe(5_000);
  await rig.told.until("stored", 2);
  expect(rig.told.of("stored").map(({ receipt }) => receipt.items)).toEqual([2, 0]);
});

test("inbound messages arrive as events, from the named channels only, each with a poller of its own", async () => {
  await using rig = await startPullRig({ config: { reports: false, inbound: ["SMS", "WHATSAPP"] } });
  for (const channel of ["SMS", "WHATSAPP", "MMS"] as const) {
    rig.simulator.receiveInbound({ channel, sender: "41790000001", destination: "9", text: `by ${channel}` });
  }

  expect(rig.pollers.count).toBe(2);
  rig.pollers.start();
  await rig.told.until("stored", 2);

  const found = rig.events().map(({ type, channel, sender }) => ({ type, channel, sender }));
  expect(found).toHaveLength(2);
  expect(found).toEqual(
    expect.arrayContaining([
      { type: EventType.INBOUND_MESSAGE, channel: Channel.SMS, sender: "41790000001" },
      { type: EventType.INBOUND_MESSAGE, channel: Channel.WHATSAPP, sender: "41790000001" },
    ]),
  );
  expect(rig.simulator.stats()).toMatchObject({ pendingInbound: 1 });
});

test("a full page is followed by the next one at once, in the order of Infobip", async () => {
  await using rig = await startPullRig({ config: { limit: 10 } });
  await rig.send(...numbers(25));

  rig.pollers.start();
  await rig.told.until("stored", 3);

  expect(rig.told.of("stored").map(({ receipt }) => receipt.items)).toEqual([10, 10, 5]);
  expect(rig.events().map((event) => event.destination)).toEqual(numbers(25));
  expect(await rig.passWait()).toBe(5_000);
});

test("a full page of repeats is no reason to hurry", async () => {
  const told = new ToldEvents();
  const clock = new WaitableClock();
  let fetches = 0;
  const fetchPage = async () => {
    // A poller that does hurry must come to an end, too.
    if (++fetches > 5) throw new Error("fetched too often");
    return page;
  };
  const log = new MemoryEventLog();
  const receiver = new WebhookReceiver({ log, appendTimeoutMs: 5_000 });
  const page = Buffer.from(bodyOf(deliveryReport()));
  const pollers = createPollers({
    client: { fetchReports: fetchPage, fetchInbound: fetchPage },
    receive: (route, body) => receiver.receive(route, body),
    config: { reports: true, inbound: [], intervalMs: 5_000, limit: 1 },
    timer: { schedule: (delayMs, run) => clock.setTimer(delayMs, run) },
    random: () => 0.5,
    events: told.events,
  });
  pollers.start();
  expect(await clock.nextWait()).toBe(5_000);
  await pollers.stop(1_000);

  expect(told.of("stored").map(({ receipt }) => receipt.appended)).toEqual([1, 0]);
});

test("a report has the same event id whether it was pushed or fetched, and is stored once", async () => {
  await using rig = await startPullRig();
  await rig.send("4479001");
  // What the pull endpoint hands out is also what a webhook is sent.
  const { text } = await call(rig.baseUrl, "GET", REPORTS);
  const pushed = new MemoryEventLog();
  await new WebhookReceiver({ log: pushed, appendTimeoutMs: 5_000 }).receive("delivery", Buffer.from(text));
  const { event: _, ...fetched } = JSON.parse(text).results[0] as Record<string, unknown>;

  const again = new WebhookReceiver({ log: pushed, appendTimeoutMs: 5_000 });
  // Infobip's answer need not name the event, and the spelling may differ.
  const receipt = await again.receive(
    "delivery",
    Buffer.from(JSON.stringify({ results: [fetched] }, null, 2)),
  );

  expect(receipt).toMatchObject({ items: 1, appended: 0, duplicates: 1 });
});

test("two pollers of one account share the reports between them: neither has them all", async () => {
  await using rig = await startPullRig({ config: { limit: 10 } });
  await rig.send(...numbers(30));
  const taken = await call(rig.baseUrl, "GET", `${REPORTS}?limit=10`);

  rig.pollers.start();
  await rig.told.until("stored", 3);

  const others = taken.json.results.map((item: { destination: string }) => item.destination);
  const own = rig.events().map((event) => event.destination);
  expect(own).toHaveLength(20);
  expect([...others, ...own]).toEqual(numbers(30));
});

test("without anything to fetch there is no poller", async () => {
  await using rig = await startPullRig({ config: { reports: false } });
  rig.pollers.start();
  expect(rig.pollers.count).toBe(0);
  expect(rig.pollers.health()).toEqual({ ok: true });
});
