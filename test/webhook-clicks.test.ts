import { timestampMs } from "@bufbuild/protobuf/wkt";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { EventType } from "../gen/infobip/events/v1/event_pb.js";
import { Channel } from "../gen/infobip/messages/v1/channel_pb.js";
import { bodyOf, startWebhookTarget, type WebhookTarget } from "./fixtures/webhook-target.ts";

let target: WebhookTarget;
beforeEach(async () => {
  target = await startWebhookTarget();
});
afterEach(() => target[Symbol.asyncDispose]());

const CLICK_TIME = 1_767_225_600_123;
function click(changes: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    notificationType: "CLICKED",
    recipient: "385910000001",
    url: "https://shop.example.com/spring?a=1",
    sendDateTime: CLICK_TIME,
    messageId: "message-1",
    bulkId: "bulk-1",
    callbackData: "order 17",
    recipientInfo: { deviceType: "Phone", os: "iOS 18", deviceName: "Apple" },
    geoLocationInfo: { countryName: "Croatia", city: "Pula" },
    applicationId: "web",
    entityId: "shop",
    campaignReferenceId: "spring",
    ...changes,
  };
}

async function storedAfter(...items: unknown[]): Promise<number> {
  for (const item of items) {
    expect((await target.post("click", JSON.stringify(item))).status).toBe(200);
  }
  return target.log.stored.length;
}

describe("a click", () => {
  test.each([
    [1_767_225_600, 1_767_225_600_000],
    ["1767225600", 1_767_225_600_000],
    [99_999_999_999, 99_999_999_999_000],
    [100_000_000_000, 100_000_000_000],
    [0, undefined],
    [-1, undefined],
  ])("whose time is %j happened at %j", async (sendDateTime, occurred) => {
    await target.post("click", JSON.stringify(click({ sendDateTime })));
    const [event] = target.events();
    expect(event?.occurTime && timestampMs(event.occurTime)).toBe(occurred);
    expect(event?.payload).toMatchObject({ value: { sendDateTime: BigInt(sendDateTime) } });
  });

  test("comes as one object and becomes one event with its columns, payload and exact bytes", async () => {
    const item = JSON.stringify(click(), null, 1);
    const answer = await target.post("click", ` ${item}\n`);
    expect([answer.status, JSON.parse(answer.text)]).toEqual([200, { stored: 1, repeated: 0, unparsed: 0 }]);
    const [event] = target.events();
    expect(event).toMatchObject({
      type: EventType.CLICK,
      channel: Channel.UNSPECIFIED,
      messageId: "message-1",
      bulkId: "bulk-1",
      destination: "385910000001",
      applicationId: "web",
      entityId: "shop",
      callbackData: "order 17",
      campaignReferenceId: "spring",
      final: false,
      payload: {
        case: "click",
        value: {
          notificationType: "CLICKED",
          url: "https://shop.example.com/spring?a=1",
          sendDateTime: BigInt(CLICK_TIME),
          recipientInfo: { deviceType: "Phone", os: "iOS 18", deviceName: "Apple" },
          geoLocationInfo: { countryName: "Croatia", city: "Pula" },
        },
      },
    });
    expect(event?.id).toMatch(/^[0-9a-f]{16}\.message-1$/);
    expect(event?.occurTime && timestampMs(event.occurTime)).toBe(CLICK_TIME);
    expect(target.log.stored[0]?.columns).toEqual({
      type: EventType.CLICK,
      channel: Channel.UNSPECIFIED,
      messageId: "message-1",
      bulkId: "bulk-1",
      sender: "",
      destination: "385910000001",
      applicationId: "web",
      entityId: "shop",
      final: false,
      rank: 0,
      occurTimeMs: CLICK_TIME,
    });
    expect(Buffer.from(target.log.stored[0]?.raw ?? []).toString()).toBe(item);
  });

  test("is also taken from a list and from results, each item with its own bytes", async () => {
    const items = [1, 2, 3, 4].map((n) => click({ messageId: `message-${n}` }));
    await target.post("click", JSON.stringify(items.slice(0, 2), null, 2));
    await target.post("click", bodyOf(...items.slice(2)));
    expect(target.events().map((event) => [event.type, event.messageId])).toEqual(
      items.map((item) => [EventType.CLICK, item.messageId]),
    );
    for (const [index, { raw }] of target.log.stored.entries()) {
      expect(JSON.parse(Buffer.from(raw).toString())).toEqual(items[index]);
    }
  });

  test("is one event however often it is repeated, in whatever order of members", async () => {
    const turned = Object.fromEntries(Object.entries(click({ sendDateTime: String(CLICK_TIME) })).reverse());
    expect(await storedAfter(click(), click(), turned)).toBe(1);
  });

  test("at another time, on another URL, of another kind or by another person is another event", async () => {
    const others = [
      { sendDateTime: CLICK_TIME + 1 },
      { url: "https://shop.example.com/" },
      { notificationType: "OPENED" },
      { recipient: "385910000002" },
      { messageId: "message-2" },
    ];
    expect(await storedAfter(click(), ...others.map(click))).toBe(1 + others.length);
  });

  test("without a time that can be read is told by its bytes", async () => {
    const timeless = [undefined, null, 1e300, "yesterday"].map((sendDateTime) => click({ sendDateTime }));
    const elsewhere = click({ sendDateTime: undefined, geoLocationInfo: { city: "Rijeka" } });
    expect(await storedAfter(...timeless, ...timeless, elsewhere)).toBe(timeless.length + 1);
    for (const event of target.events()) {
      expect([event.type, event.occurTime]).toEqual([EventType.CLICK, undefined]);
    }
  });
});

test("what is no click is kept raw and harms no other item", async () => {
  const answer = await target.post("click", JSON.stringify([17, { sendDateTime: 3 }, click(), "words"]));
  expect(JSON.parse(answer.text)).toEqual({ stored: 4, repeated: 0, unparsed: 3 });
  expect(target.events().map((event) => event.type)).toEqual([
    EventType.UNPARSED,
    EventType.UNPARSED,
    EventType.CLICK,
    EventType.UNPARSED,
  ]);
  expect(target.log.stored.map(({ raw }) => Buffer.from(raw).toString())).toEqual([
    "17",
    '{"sendDateTime":3}',
    JSON.stringify(click()),
    '"words"',
  ]);
});

test("one object or a list is no report on the other routes", async () => {
  for (const route of ["delivery", "seen", "inbound"]) {
    const answer = await target.post(route, JSON.stringify(click({ messageId: route })));
    expect(JSON.parse(answer.text)).toEqual({ stored: 1, repeated: 0, unparsed: 1 });
  }
});

test("bodies nested too deep, and XML, do no harm", async () => {
  const deep = JSON.stringify(click()).replace("{", `{"x":${"[".repeat(70)}${"]".repeat(70)},`);
  const answer = await target.post("click", deep);
  expect(JSON.parse(answer.text)).toEqual({ stored: 1, repeated: 0, unparsed: 1 });
  expect(target.events()[0]?.messageId).toBe("message-1");
  expect((await target.post("click", "<a><results/></a>")).status).toBe(400);
});
