import { timestampMs } from "@bufbuild/protobuf/wkt";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { EventType } from "../gen/infobip/events/v1/event_pb.js";
import { Channel } from "../gen/infobip/messages/v1/channel_pb.js";
import { StatusRank } from "../src/infobip/status-rank.ts";
import { bodyOf, deliveryReport, startWebhookTarget, type WebhookTarget } from "./fixtures/webhook-target.ts";

let target: WebhookTarget;
beforeEach(async () => {
  target = await startWebhookTarget();
});
afterEach(() => target[Symbol.asyncDispose]());

const seen = {
  event: "SEEN",
  channel: "WHATSAPP",
  destination: "38591",
  messageId: "m-2",
  seenAt: "2026-05-04T09:31:00.000+0000",
};
const inbound = {
  event: "MO",
  channel: "WHATSAPP",
  sender: "38592",
  destination: "38593",
  content: [{ type: "TEXT", text: "hello", cleanText: "hello" }],
  receivedAt: "2026-05-04T09:32:00.000+0000",
  messageId: "mo-1",
  platform: { entityId: "e", applicationId: "a" },
};
const typing = {
  event: "TYPING_STARTED",
  channel: "RCS",
  sender: "38592",
  destination: "38593",
  messageId: "t-1",
  receivedAt: "2026-05-04T09:33:00.000+0000",
};

describe("a webhook becomes events", () => {
  test("a delivery report, with its columns, payload and exact bytes", async () => {
    const item = JSON.stringify(deliveryReport(), null, 1);
    const answer = await target.post("delivery", `{ "results" : [ ${item} ] }`);
    expect(answer.status).toBe(200);
    expect(JSON.parse(answer.text)).toEqual({ stored: 1, repeated: 0, unparsed: 0 });
    const [event] = target.events();
    expect(event).toMatchObject({
      type: EventType.DELIVERY_REPORT,
      messageId: "message-1",
      bulkId: "bulk-1",
      channel: Channel.SMS,
      sender: "Bakery",
      destination: "385910000001",
      applicationId: "web",
      entityId: "shop",
      callbackData: "order 17",
      campaignReferenceId: "spring",
      final: true,
      cursor: "",
      sequence: 0n,
    });
    expect(event?.id).toMatch(/^[0-9a-f]{16}\.message-1$/);
    expect(event?.occurTime && timestampMs(event.occurTime)).toBe(Date.parse("2026-05-04T09:30:02.125Z"));
    expect(event?.payload).toMatchObject({
      case: "deliveryReport",
      value: {
        status: { groupId: 3, id: 5 },
        error: { permanent: false },
        sentAt: "2026-05-04T09:30:00.000+0000",
      },
    });
    expect(target.log.stored[0]?.columns).toEqual({
      type: EventType.DELIVERY_REPORT,
      channel: Channel.SMS,
      messageId: "message-1",
      bulkId: "bulk-1",
      sender: "Bakery",
      destination: "385910000001",
      applicationId: "web",
      entityId: "shop",
      final: true,
      rank: StatusRank.DELIVERED,
      occurTimeMs: Date.parse("2026-05-04T09:30:02.125Z"),
    });
    expect(Buffer.from(target.log.stored[0]?.raw ?? []).toString()).toBe(item);
  });

  test("seen reports, inbound messages and typing", async () => {
    expect((await target.post("seen", bodyOf(seen))).status).toBe(200);
    expect(
      (await target.post("inbound", bodyOf(inbound, typing, { ...typing, event: "TYPING_STOPPED" }))).status,
    ).toBe(200);
    expect(target.events().map((event) => [event.type, event.payload.case])).toEqual([
      [EventType.SEEN_REPORT, "seenReport"],
      [EventType.INBOUND_MESSAGE, "inboundMessage"],
      [EventType.TYPING_STARTED, "typingStarted"],
      [EventType.TYPING_STOPPED, "typingStopped"],
    ]);
    expect(target.events()[1]).toMatchObject({
      sender: "38592",
      applicationId: "a",
      messageId: "mo-1",
      final: false,
    });
    const occurred = target.events().map((event) => event.occurTime && timestampMs(event.occurTime));
    expect(occurred[0]).toBe(Date.parse(seen.seenAt.replace("+0000", "Z")));
    expect(occurred[1]).toBe(Date.parse(inbound.receivedAt.replace("+0000", "Z")));
  });

  test("the item's own event counts, not the route it came to", async () => {
    await target.post("seen", bodyOf(deliveryReport(), { ...seen, event: undefined }));
    await target.post(
      "delivery",
      bodyOf(inbound, deliveryReport({ event: "DELIVERED_LATER", messageId: "m-9" })),
    );
    expect(target.events().map((event) => event.type)).toEqual([
      EventType.DELIVERY_REPORT,
      EventType.SEEN_REPORT,
      EventType.INBOUND_MESSAGE,
      EventType.DELIVERY_REPORT,
    ]);
  });

  test("a repeated webhook is one event, and 200 both times", async () => {
    expect((await target.post("delivery", bodyOf(deliveryReport()))).status).toBe(200);
    const again = await target.post("delivery", bodyOf(deliveryReport(), deliveryReport()));
    expect(again.status).toBe(200);
    expect(JSON.parse(again.text)).toEqual({ stored: 0, repeated: 2, unparsed: 0 });
    expect(target.events()).toHaveLength(1);
  });

  test("one bad item among three spoils only itself", async () => {
    const answer = await target.post(
      "delivery",
      bodyOf(deliveryReport(), 17, deliveryReport({ messageId: "m-3" })),
    );
    expect(answer.status).toBe(200);
    expect(JSON.parse(answer.text)).toEqual({ stored: 3, repeated: 0, unparsed: 1 });
    expect(target.events().map((event) => event.type)).toEqual([
      EventType.DELIVERY_REPORT,
      EventType.UNPARSED,
      EventType.DELIVERY_REPORT,
    ]);
    expect(Buffer.from(target.log.stored[1]?.raw ?? []).toString()).toBe("17");
    expect(target.outcomes.at(-1)?.receipt).toMatchObject({ items: 3, unparsed: 1, appended: 3 });
  });

  test("an inbound event of an unknown name is kept, but does not pass for a message", async () => {
    await target.post("inbound", bodyOf({ ...inbound, event: "MESSAGE_TAKEN_BACK" }));
    const [event] = target.events();
    expect(event).toMatchObject({
      type: EventType.UNPARSED,
      messageId: "mo-1",
      sender: "38592",
      channel: Channel.WHATSAPP,
    });
    expect(event?.payload.case).toBeUndefined();
  });

  test("what is missing, new or of another type never fails", async () => {
    const answer = await target.post(
      "delivery",
      bodyOf(
        { messageId: "bare" },
        deliveryReport({
          messageId: "new",
          channel: "PIGEON",
          status: { groupId: 9, id: 1 },
          novelty: { a: [1] },
        }),
        deliveryReport({
          messageId: 42,
          messageCount: "3",
          platform: "none",
          error: null,
          doneAt: "yesterday",
        }),
      ),
    );
    expect(JSON.parse(answer.text)).toEqual({ stored: 3, repeated: 0, unparsed: 0 });
    const [bare, fresh, odd] = target.events();
    expect(bare).toMatchObject({ messageId: "bare", final: false });
    expect(fresh).toMatchObject({
      channel: Channel.UNSPECIFIED,
      final: false,
      payload: { value: { unrecognizedChannel: "PIGEON" } },
    });
    expect(odd).toMatchObject({ messageId: "42" });
    expect([bare?.occurTime, odd?.occurTime, odd?.applicationId]).toEqual([undefined, undefined, undefined]);
    expect(odd?.payload.value).toMatchObject({ messageCount: 3, doneAt: "yesterday" });
  });

  test.each<[string, string | undefined]>([
    ['{"messageId":"m-1","status":{"groupId":3,"id":5}}', "m-1"],
    ['{"results":{"messageId":"m-1"}}', undefined],
    ['{"results":null}', undefined],
    ["{}", undefined],
    ['[{"messageId":"m-1"}]', undefined],
    ["[]", undefined],
    ["<private/>", undefined],
    ["<private><result><messageId>m-1</messageId></result></private>", undefined],
    ["<private><results>words</results></private>", undefined],
  ])(
    "%s, which has no list of results, is one unparsed event with all its bytes",
    async (body, messageId) => {
      const answer = await target.post("delivery", body);
      expect([answer.status, JSON.parse(answer.text)]).toEqual([
        200,
        { stored: 1, repeated: 0, unparsed: 1 },
      ]);
      const [event] = target.events();
      expect([event?.type, event?.messageId, event?.final]).toEqual([EventType.UNPARSED, messageId, false]);
      expect(Buffer.from(target.log.stored[0]?.raw ?? []).toString()).toBe(body);
      expect(JSON.parse((await target.post("delivery", body)).text)).toMatchObject({
        stored: 0,
        repeated: 1,
      });
    },
  );

  test("an empty list is taken and stores nothing", async () => {
    target.log.beforeAppend = () => {
      throw new Error("nothing to append");
    };
    expect((await target.post("delivery", bodyOf())).status).toBe(200);
    expect((await target.post("delivery", "<r><results> </results></r>")).status).toBe(200);
  });
});
