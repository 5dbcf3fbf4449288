import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fromBinary } from "@bufbuild/protobuf";
import { afterEach, beforeEach, expect, test } from "vitest";
import { EventSchema, EventType } from "../gen/infobip/events/v1/event_pb.js";
import { openEmbeddedLog } from "../src/eventlog/embedded/open-embedded-log.ts";
import { bodyOf, deliveryReport, startWebhookTarget } from "./fixtures/webhook-target.ts";

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "webhook-log-"));
});
afterEach(() => rm(directory, { recursive: true }));

test("what was answered with 200 is in the log that is opened next, once", async () => {
  const item = deliveryReport({ callbackData: "ž" });
  {
    await using log = await openEmbeddedLog({ directory });
    await using target = await startWebhookTarget({ log });
    expect((await target.post("delivery", bodyOf(item, null))).status).toBe(200);
  }
  await using log = await openEmbeddedLog({ directory });
  await using target = await startWebhookTarget({ log });
  const again = await target.post("delivery", bodyOf(null, item, { ...item, messageId: "message-2" }));
  expect(JSON.parse(again.text)).toEqual({ stored: 1, repeated: 2, unparsed: 1 });
  const { records } = await log.read(0, { limit: 10, maxBytes: 1_000_000, includeRaw: true });
  const events = records.map((record) => fromBinary(EventSchema, record.encoded));
  expect(events.map((event) => [event.type, event.messageId, event.sequence])).toEqual([
    [EventType.DELIVERY_REPORT, "message-1", 1n],
    [EventType.UNPARSED, undefined, 2n],
    [EventType.DELIVERY_REPORT, "message-2", 3n],
  ]);
  expect(events.map((event) => Buffer.from(event.rawBody ?? []).toString()).slice(0, 2)).toEqual([
    JSON.stringify(item),
    "null",
  ]);
});

test("a log that is closed is answered with 503", async () => {
  const log = await openEmbeddedLog({ directory });
  await using target = await startWebhookTarget({ log });
  await log[Symbol.asyncDispose]();
  expect((await target.post("delivery", bodyOf(deliveryReport()))).status).toBe(503);
});
