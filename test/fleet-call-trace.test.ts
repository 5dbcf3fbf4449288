import { create } from "@bufbuild/protobuf";
import { afterAll, beforeAll, expect, test } from "vitest";
import { EventsService } from "../gen/infobip/events/v1/events_service_pb.js";
import { GetSubscriptionRequestSchema } from "../gen/infobip/events/v1/subscription_requests_pb.js";
import { decodeOpen, encodeOpen } from "../src/fleet/frame-bodies.ts";
import type { TraceContext } from "../src/rpc/trace-context.ts";
import { plainCall } from "./fixtures/call-context.ts";
import { ownerAndCaller } from "./fixtures/fleet-pair.ts";
import { answer } from "./fixtures/scripted-unit.ts";
import { traceOf } from "./fixtures/traced-message.ts";
import { describeNats, type NatsServer, startNatsServer } from "./nats-server.ts";

const UNIT = "subscription.orders";
const { header: traceparent } = traceOf(1);

describeNats("a call that runs in another process", () => {
  let server: NatsServer;
  beforeAll(async () => {
    server = await startNatsServer();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  test("stands there where it stands in its trace", async () => {
    const seen: (TraceContext | undefined)[] = [];
    await using rig = await ownerAndCaller({
      url: server.url,
      unit: UNIT,
      script: {
        unary: (_request, { trace }, method) => {
          seen.push(trace);
          return answer(method, "owner");
        },
      },
    });
    const { getSubscription } = EventsService.method;
    const request = create(GetSubscriptionRequestSchema, { name: "subscriptions/orders" });
    const trace = { traceparent, tracestate: "shop=order-7" };
    for (const context of [plainCall(), Object.assign(plainCall(), { trace })]) {
      await rig.caller.unary(UNIT, getSubscription, request, context);
      await rig.owner.unary(UNIT, getSubscription, request, context);
    }
    expect(seen).toEqual([undefined, undefined, trace, trace]);
  });
});

test("a trace that is not well formed is left out of a call", () => {
  const first = new Uint8Array();
  const open = { unit: UNIT, method: "a/b", credit: 1 };
  const read = (trace: unknown) =>
    decodeOpen(encodeOpen({ ...open, trace: trace as TraceContext }, first))?.open;
  expect(read({ traceparent })).toEqual({ ...open, timeoutMs: undefined, trace: { traceparent } });
  expect(read({ traceparent: "00-1" })).toEqual({ ...open, timeoutMs: undefined });
  expect(read(undefined)).toEqual({ ...open, timeoutMs: undefined });
});
