import { create } from "@bufbuild/protobuf";
import { beforeEach, describe, expect, test } from "vitest";
import { EventType } from "../gen/infobip/events/v1/event_pb.js";
import { GetMessageRequestSchema, MessageState } from "../gen/infobip/events/v1/history_pb.js";
import { Channel } from "../gen/infobip/messages/v1/channel_pb.js";
import { SendOutcome } from "../gen/infobip/messages/v1/send_messages_pb.js";
import { encodeCursor } from "../src/eventlog/cursor.ts";
import type { NewEvent } from "../src/eventlog/event-log.ts";
import { argumentsDigest, encodePageToken, PageKind } from "../src/events/page-token.ts";
import { isFinalStatus } from "../src/infobip/finality.ts";
import { reportRank, StatusRank, sendResultRank } from "../src/infobip/status-rank.ts";
import { sampleEncoded, sampleEvent, sampleEvents } from "./event-log-samples.ts";
import { HistoryRig } from "./fixtures/history-rig.ts";

let rig: HistoryRig;
let count = 0;
beforeEach(() => {
  rig = new HistoryRig();
  count = 0;
});

/** A delivery report of message m with a status group and id. */
function report(groupId: number, id: number, more: { channel?: Channel; occurTimeMs?: number } = {}) {
  const n = ++count;
  const final = isFinalStatus(groupId, id);
  const channel = more.channel ?? Channel.SMS;
  const columns = { messageId: "m", final, rank: reportRank(groupId, id), channel, ...more };
  const payload = { case: "deliveryReport" as const, value: { status: { groupId, id } } };
  const encoded = sampleEncoded({
    id: `e-${n}`,
    type: EventType.DELIVERY_REPORT,
    messageId: "m",
    final,
    payload,
  });
  return { ...sampleEvent(n, columns), encoded };
}

function sendResult(outcome: SendOutcome, groupId?: number, id?: number): NewEvent {
  const n = ++count;
  const columns = {
    type: EventType.SEND_RESULT,
    messageId: "m",
    rank: sendResultRank(outcome, groupId, id),
    final: outcome === SendOutcome.NOT_SENT,
  };
  const payload = { case: "sendResult" as const, value: { outcome } };
  return {
    ...sampleEvent(n, columns),
    encoded: sampleEncoded({ id: `e-${n}`, type: EventType.SEND_RESULT, messageId: "m", payload }),
  };
}

function seen(): NewEvent {
  const n = ++count;
  const columns = { type: EventType.SEEN_REPORT, messageId: "m", rank: StatusRank.SEEN };
  return { ...sampleEvent(n, columns), encoded: sampleEncoded({ id: `e-${n}`, messageId: "m" }) };
}

/** Appends one by one and tells where the message stands. */
async function stateAfter(...events: NewEvent[]) {
  for (const event of events) await rig.log.append([event]);
  const { state, final, statusEvent } = await rig.message({ messageId: "m" });
  return [MessageState[state], final, statusEvent?.id];
}

describe("the state", () => {
  test.each([
    ["a send that Infobip took", () => [sendResult(SendOutcome.SENT, 1, 26)], "ACCEPTED", false],
    ["a send without an answer", () => [sendResult(SendOutcome.UNKNOWN)], "SEND_UNKNOWN", false],
    ["a send that was refused", () => [sendResult(SendOutcome.NOT_SENT, 5, 12)], "REJECTED", true],
    ["accepted", () => [report(0, 1)], "ACCEPTED", false],
    ["pending", () => [report(1, 7)], "PENDING", false],
    ["undeliverable", () => [report(2, 9)], "UNDELIVERABLE", true],
    ["with the operator", () => [report(3, 2)], "DELIVERED_TO_OPERATOR", false],
    ["delivered", () => [report(3, 5)], "DELIVERED", true],
    ["expired", () => [report(4, 15)], "EXPIRED", true],
    ["rejected", () => [report(5, 6)], "REJECTED", true],
    ["a repeat that was refused", () => [report(5, 23)], "SEND_UNKNOWN", false],
    ["a group that is not known", () => [report(77, 1)], "PENDING", false],
    ["seen", () => [seen()], "SEEN", true],
  ])("%s", async (_, events, state, final) => {
    expect(await stateAfter(...events())).toEqual([state, final, "e-1"]);
  });

  test("never goes back by a late weaker report", async () => {
    expect(await stateAfter(report(3, 5), report(1, 7), report(3, 2))).toEqual(["DELIVERED", true, "e-1"]);
  });

  test("stays what the report said when the send is recorded after it", async () => {
    expect(await stateAfter(report(1, 7), sendResult(SendOutcome.SENT, 1, 26))).toEqual([
      "PENDING",
      false,
      "e-1",
    ]);
  });

  test("of a failover is that of the step that went on", async () => {
    const whatsapp = { channel: Channel.WHATSAPP, occurTimeMs: 1000 };
    const sms = { channel: Channel.SMS, occurTimeMs: 2000 };
    const first = sendResult(SendOutcome.SENT, 1, 26);
    const failed = report(2, 9, whatsapp);
    expect(await stateAfter(first, failed)).toEqual(["UNDELIVERABLE", true, "e-2"]);
    expect(await stateAfter(report(1, 7, sms))).toEqual(["PENDING", false, "e-3"]);
    expect(await stateAfter(report(3, 5, { ...sms, occurTimeMs: 3000 }))).toEqual(["DELIVERED", true, "e-4"]);
    expect(await stateAfter(report(4, 15, { ...whatsapp, occurTimeMs: 4000 }))).toEqual([
      "DELIVERED",
      true,
      "e-4",
    ]);
  });

  test("is not set for a message that only has events without a status", async () => {
    const answer = sampleEvent(1, {
      messageId: "m",
      type: EventType.INBOUND_MESSAGE,
      rank: StatusRank.NONE,
    });
    expect(await stateAfter(answer)).toEqual(["UNSPECIFIED", false, undefined]);
    expect((await rig.message({ messageId: "m" })).timeline).toHaveLength(1);
  });
});

describe("the timeline", () => {
  const ids = (events: readonly { id: string }[]) => events.map(({ id }) => id);

  test("holds every event of the message, superseded ones included, and nothing else", async () => {
    await rig.log.append([report(3, 5), ...sampleEvents(50, 60), report(1, 7)]);
    const { timeline, messageId, nextPageToken } = await rig.message({ messageId: "m" });
    expect(ids(timeline)).toEqual(["e-1", "e-2"]);
    expect(messageId).toBe("m");
    expect(nextPageToken).toBe("");
    expect(rig.log.reads).toBe(0);
  });

  test("comes in pages, each with the state", async () => {
    const events = Array.from({ length: 700 }, (_, n) => sampleEvent(n + 1, { messageId: "m" }));
    await rig.log.append([...events, sampleEvent(9999)]);
    const pages = [];
    for (let pageToken = ""; ; ) {
      const page = await rig.message({ messageId: "m", pageSize: 300, pageToken });
      expect(page.statusEvent?.id).toBe("e-700");
      pages.push(ids(page.timeline));
      pageToken = page.nextPageToken;
      if (pageToken === "") break;
    }
    expect(pages.map((page) => page.length)).toEqual([300, 300, 100]);
    expect(pages.flat()).toEqual(events.map((_, n) => `e-${n + 1}`));
  });

  test("ends without a token when the last page is full", async () => {
    await rig.log.append([report(1, 7), report(3, 5), ...sampleEvents(50, 60)]);
    expect((await rig.message({ messageId: "m", pageSize: 2 })).nextPageToken).toBe("");
    expect((await rig.message({ messageId: "m", pageSize: 1 })).nextPageToken).not.toBe("");
  });

  test("goes on with what is left when retention has removed what was next", async () => {
    await rig.log.append([report(1, 7), report(3, 2), report(3, 5)]);
    const { nextPageToken: pageToken } = await rig.message({ messageId: "m", pageSize: 1 });
    rig.log.removeThrough(2);
    expect(ids((await rig.message({ messageId: "m", pageToken })).timeline)).toEqual(["e-3"]);
  });

  test("refuses the token of another log", async () => {
    await rig.log.append([report(1, 7), report(3, 5)]);
    const digest = argumentsDigest(
      GetMessageRequestSchema,
      create(GetMessageRequestSchema, { messageId: "m" }),
    );
    const own = encodePageToken(PageKind.MESSAGE, rig.cursor(1), digest);
    expect(ids((await rig.message({ messageId: "m", pageToken: own })).timeline)).toEqual(["e-2"]);
    const foreign = encodePageToken(PageKind.MESSAGE, encodeCursor("fedcba9876543210", 1), digest);
    await expect(rig.message({ messageId: "m", pageToken: foreign })).rejects.toMatchObject({
      reason: "PAGE_TOKEN_INVALID",
    });
  });

  test("refuses the token of another message", async () => {
    await rig.log.append([report(1, 7), report(3, 5), sampleEvent(50), sampleEvent(51)]);
    const { nextPageToken: pageToken } = await rig.message({ messageId: "m", pageSize: 1 });
    await expect(rig.message({ messageId: "m-50", pageToken })).rejects.toMatchObject({
      reason: "PAGE_TOKEN_INVALID",
    });
  });
});

test("a message without events is MESSAGE_UNKNOWN, and its id is not told on", async () => {
  await rig.log.append(sampleEvents(1, 3));
  const error = await rig.message({ messageId: "41790000001" }).catch((e: unknown) => e);
  expect(error).toMatchObject({ reason: "MESSAGE_UNKNOWN" });
  expect(JSON.stringify([(error as Error).message, error])).not.toContain("41790000001");
});
