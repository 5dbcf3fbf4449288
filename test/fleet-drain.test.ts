import { create } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { EventsService } from "../gen/infobip/events/v1/events_service_pb.js";
import type { SubscribeRequest } from "../gen/infobip/events/v1/subscribe_pb.js";
import {
  GetSubscriptionRequestSchema,
  PullEventsRequestSchema,
} from "../gen/infobip/events/v1/subscription_requests_pb.js";
import { ServiceError } from "../src/errors.ts";
import type { CallDrain } from "../src/rpc/call-context.ts";
import { serviceDraining } from "../src/rpc/call-ended.ts";
import { plainCall } from "./fixtures/call-context.ts";
import { Feed } from "./fixtures/feed.ts";
import { ownerAndCaller } from "./fixtures/fleet-pair.ts";
import { openNode } from "./fixtures/fleet-rig.ts";
import { answer, ScriptedUnit, startedFrame, type UnitScript } from "./fixtures/scripted-unit.ts";
import { describeNats, type NatsServer, startNatsServer, uniquePrefix } from "./nats-server.ts";

const { getSubscription, pullEvents, subscribe } = EventsService.method;
const UNIT = "subscription.orders";
const DRAIN_MS = 1_000;

describeNats("a process that drains", () => {
  let server: NatsServer;
  beforeAll(async () => {
    server = await startNatsServer();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  const pair = (script: UnitScript) =>
    ownerAndCaller({ url: server.url, unit: UNIT, script, limits: { drainMs: DRAIN_MS } });
  const untilDrained = (drain: CallDrain | undefined): Promise<void> =>
    new Promise((resolve) => drain?.onDrain(resolve));

  test("tells the owners of its streams, and how long it waits", async () => {
    const seen: { before: boolean; leftBefore: number; leftMs: number }[] = [];
    await using rig = await pair({
      bidi: async function* (_requests, { drain }) {
        const before = drain?.draining ?? true;
        const leftBefore = drain?.leftMs() ?? 0;
        const drained = untilDrained(drain);
        yield startedFrame("open");
        await drained;
        seen.push({ before, leftBefore, leftMs: drain?.leftMs() ?? -1 });
      },
    });
    const stream = rig.caller
      .bidi(UNIT, subscribe, new Feed<SubscribeRequest>(), plainCall())
      [Symbol.asyncIterator]();
    expect((await stream.next()).done).toBe(false);
    await rig.caller.drain();
    // The stream ends because its owner was told, and not because anybody has cut it.
    expect((await stream.next()).done).toBe(true);
    expect(seen).toEqual([
      { before: false, leftBefore: Number.POSITIVE_INFINITY, leftMs: expect.any(Number) },
    ]);
    expect(seen[0]?.leftMs).toBeGreaterThan(0);
    expect(seen[0]?.leftMs).toBeLessThanOrEqual(DRAIN_MS);
    expect(rig.owner.state().owned.get("subscription")).toBe(1);
  });

  test("tells the owners of streams that begin while it drains", async () => {
    await using rig = await pair({
      bidi: async function* (_requests, { drain }) {
        yield startedFrame("open");
        if (drain?.draining !== true) await untilDrained(drain);
      },
    });
    await rig.caller.drain();
    const stream = rig.caller
      .bidi(UNIT, subscribe, new Feed<SubscribeRequest>(), plainCall())
      [Symbol.asyncIterator]();
    expect((await stream.next()).done).toBe(false);
    expect((await stream.next()).done).toBe(true);
  });

  test("sends callers away that wait at an owner, once", async () => {
    let calls = 0;
    const started = Promise.withResolvers<void>();
    await using rig = await pair({
      unary: async (_request, { drain }) => {
        calls++;
        started.resolve();
        if (drain?.draining !== true) await untilDrained(drain);
        throw serviceDraining();
      },
    });
    const pull = create(PullEventsRequestSchema, { subscription: "subscriptions/orders" });
    const waiting = rig.caller.unary(UNIT, pullEvents, pull, plainCall());
    waiting.catch(() => {});
    await started.promise;
    await rig.caller.drain();
    await expect(waiting).rejects.toMatchObject({ code: Code.Unavailable, reason: "DRAINING" });
    expect(calls).toBe(1);
  });

  test("tells all its units at once, whatever one of them takes its time for", async () => {
    const count = 80;
    const told = new Set<string>();
    const allTold = Promise.withResolvers<void>();
    const drain = (name: string) => async (): Promise<void> => {
      told.add(name);
      if (told.size === count) allTold.resolve();
      await allTold.promise;
    };
    await using node = await openNode({
      url: server.url,
      prefix: uniquePrefix(),
      kinds: {
        subscription: (name) => Promise.resolve(new ScriptedUnit(name, "a", { drain: drain(name) })),
      },
      limits: { drainMs: 60_000 },
    });
    const names = Array.from({ length: count }, (_, n) => `subscription.s-${n}`);
    const request = create(GetSubscriptionRequestSchema, { name: "subscriptions/any" });
    await Promise.all(names.map((name) => node.fleet.unary(name, getSubscription, request, plainCall())));
    await node.fleet.drain();
    expect(told).toEqual(new Set(names));
    expect(node.fleet.state().owned.size).toBe(0);
  });

  test("a call that its owner has not done while it drains is done where the work has gone", async () => {
    let isDraining = false;
    await using rig = await pair({
      unary: (_request, _context, method) => {
        if (isDraining) throw new ServiceError(Code.Unavailable, "DRAINING", "it stops");
        return answer(method, "owner");
      },
      drain: async () => {
        isDraining = true;
      },
    });
    const drained = rig.owner.drain();
    const request = create(GetSubscriptionRequestSchema, { name: "subscriptions/orders" });
    const { subscription } = await rig.caller.unary(UNIT, getSubscription, request, plainCall());
    expect(subscription?.name).toBe("caller");
    await drained;
    await vi.waitFor(() => expect(rig.taken.length).toBe(1));
  });
});
