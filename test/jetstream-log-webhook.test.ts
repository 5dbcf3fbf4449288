import { fromBinary } from "@bufbuild/protobuf";
import { expect, it } from "vitest";
import { EventSchema, EventType } from "../gen/infobip/events/v1/event_pb.js";
import { startLogProcess } from "./fixtures/jetstream-rig.ts";
import { bodyOf, deliveryReport, startWebhookTarget } from "./fixtures/webhook-target.ts";
import { describeNats, startNatsServer, uniquePrefix } from "./nats-server.ts";

describeNats("webhooks into NATS", () => {
  it("what was answered with 200 is in every process's log, once; without a server the answer is 503", async () => {
    await using server = await startNatsServer();
    const prefix = uniquePrefix();
    await using intake = await startLogProcess(server.url, prefix);
    await using other = await startLogProcess(server.url, prefix);
    const item = deliveryReport({ callbackData: "ž" });
    {
      await using log = await intake.open({ withReplica: false });
      await using target = await startWebhookTarget({ log });
      expect((await target.post("delivery", bodyOf(item, null))).status).toBe(200);
      const again = await target.post("delivery", bodyOf(null, item, { ...item, messageId: "message-2" }));
      expect(JSON.parse(again.text)).toEqual({ stored: 1, repeated: 2, unparsed: 1 });
      await server.stop("SIGKILL");
      const refused = await target.post("delivery", bodyOf({ ...item, messageId: "message-3" }));
      expect([refused.status, Number(refused.headers["retry-after"]) > 0]).toEqual([503, true]);
    }
    await server.start();
    await expect.poll(() => other.link.isConnected, { timeout: 15_000 }).toBe(true);
    const log = await other.open();
    const { records } = await log.read(0, { limit: 10, maxBytes: 1_000_000, includeRaw: true });
    const events = records.map((record) => fromBinary(EventSchema, record.encoded));
    expect(events.map((event) => [event.type, event.messageId, event.sequence])).toEqual([
      [EventType.DELIVERY_REPORT, "message-1", 1n],
      [EventType.UNPARSED, undefined, 2n],
      [EventType.DELIVERY_REPORT, "message-2", 3n],
    ]);
    expect(Buffer.from(events[0]?.rawBody ?? []).toString()).toBe(JSON.stringify(item));
  }, 40_000);
});
