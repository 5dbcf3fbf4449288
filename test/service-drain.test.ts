import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { afterEach, describe, expect, it } from "vitest";
import { EventsService } from "../gen/infobip/events/v1/events_service_pb.js";
import { StartPosition } from "../gen/infobip/events/v1/positions_pb.js";
import { SendMessagesRequestSchema } from "../gen/infobip/messages/v1/send_messages_pb.js";
import { decodeRest } from "../src/infobip/codec/decode.ts";
import { type ServiceRig, startServiceRig } from "./fixtures/service-rig.ts";

let rig: ServiceRig;
afterEach(() => rig[Symbol.asyncDispose]());

const SMS = {
  messages: [{ channel: "SMS", destinations: [{ to: "1" }], content: { body: { type: "TEXT", text: "x" } } }],
};

async function ready(): Promise<{ status: number; body: unknown }> {
  const response = await fetch(`http://${rig.addresses.admin}/readyz`);
  return { status: response.status, body: await response.json() };
}

describe("draining", () => {
  it("tells watchers, refuses new calls and withdraws readiness", async () => {
    rig = await startServiceRig();
    expect((await ready()).status).toBe(200);
    const frames: (string | undefined)[] = [];
    const watching = Promise.withResolvers<void>();
    const watch = (async () => {
      const request = { from: { case: "start", value: StartPosition.LATEST } } as const;
      for await (const { frame } of rig.events.watchEvents(request)) {
        frames.push(frame.case);
        watching.resolve();
      }
    })();
    await watching.promise;
    const drained = rig.service.drain();
    await watch;
    expect([frames[0], frames.at(-1)]).toEqual(["started", "draining"]);
    await drained;
    expect(rig.service.state).toBe("DRAINING");
    expect(await ready()).toMatchObject({
      status: 503,
      body: { checks: { service: { ok: false, reason: "DRAINING" } } },
    });
    const late = createClient(
      EventsService,
      createGrpcTransport({ baseUrl: `http://${rig.addresses.grpc}` }),
    );
    await expect(late.watchEvents({})[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: 14 });
  });

  it("lets a call in progress finish", async () => {
    rig = await startServiceRig();
    rig.simulator.injectFaults({ kind: "slow-body", durationMs: 300, count: 1 });
    const call = rig.messages.sendMessages(decodeRest(SendMessagesRequestSchema, SMS).message);
    await rig.simulator.whenReceived("messages", 1);
    const drained = rig.service.drain();
    expect((await call).results).toHaveLength(1);
    await drained;
  });

  it("says of a call that it had to cut that its outcome is unknown", async () => {
    rig = await startServiceRig({ flags: { "--drain-timeout": "100ms" } });
    rig.simulator.injectFaults({ kind: "hang", count: 1 });
    const call = rig.messages.sendMessages(decodeRest(SendMessagesRequestSchema, SMS).message);
    const outcome = expect(call).rejects.toMatchObject({ code: 2 });
    await rig.simulator.whenReceived("messages", 1);
    await rig.service.drain();
    await outcome;
  });
});
