import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { EventsService } from "../gen/infobip/events/v1/events_service_pb.js";
import type { SubscribeRequest } from "../gen/infobip/events/v1/subscribe_pb.js";
import {
  CreateSubscriptionRequestSchema,
  GetSubscriptionRequestSchema,
} from "../gen/infobip/events/v1/subscription_requests_pb.js";
import type { Fleet } from "../src/fleet/fleet.ts";
import type { FleetLimits } from "../src/fleet/fleet-options.ts";
import { serviceDraining } from "../src/rpc/call-ended.ts";
import { plainCall } from "./fixtures/call-context.ts";
import { ChildLines } from "./fixtures/child-lines.ts";
import { Feed } from "./fixtures/feed.ts";
import { ownerAndCaller } from "./fixtures/fleet-pair.ts";
import { type FleetNode, openNode } from "./fixtures/fleet-rig.ts";
import { ScriptedUnit } from "./fixtures/scripted-unit.ts";
import { describeNats, type NatsServer, startNatsServer, uniquePrefix } from "./nats-server.ts";

const { getSubscription, createSubscription, subscribe } = EventsService.method;
const UNIT = "subscription.orders";
const MEMBER = join(import.meta.dirname, "fixtures/fleet-member.ts");

describeNats("a unit whose owner goes away", () => {
  let server: NatsServer;
  beforeAll(async () => {
    server = await startNatsServer();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  async function childAndCaller(url = server.url, limits: Partial<FleetLimits> = {}) {
    await using opened = new AsyncDisposableStack();
    const prefix = uniquePrefix();
    const child = opened.use(new ChildLines(MEMBER, [url, prefix, UNIT]));
    const taken: (string | undefined)[] = [];
    const node: FleetNode = opened.use(
      await openNode({
        url,
        prefix,
        limits,
        kinds: { subscription: async (name) => new ScriptedUnit(name, "here") },
        hooks: { onTaken: (_unit, from) => taken.push(from) },
      }),
    );
    await child.said("owns");
    expect(await ask(node.fleet)).toBe("child");
    const owned = opened.move();
    return { child, fleet: node.fleet, node, taken, [Symbol.asyncDispose]: () => owned.disposeAsync() };
  }

  test("is taken over at once when the owner was killed", async () => {
    // So long that only the server's word that nobody listens can be the reason.
    await using rig = await childAndCaller(server.url, { askTimeoutMs: 15_000, silenceMs: 15_000 });
    rig.child.signal("SIGKILL");
    await rig.child.ended();
    await vi.waitFor(async () => expect(await ask(rig.fleet)).toBe("here"), { timeout: 2_000, interval: 5 });
    expect(rig.taken).toEqual([expect.stringMatching(/^[0-9a-f]{16}$/)]);
  });

  test("a call that may have run there fails as OWNER_LOST, and one that may be repeated does not", async () => {
    await using rig = await childAndCaller();
    const request = create(CreateSubscriptionRequestSchema);
    const lost = rig.fleet.unary(UNIT, createSubscription, request, plainCall()).catch((e: unknown) => e);
    const stream = readAll(rig.fleet);
    await rig.child.said("CreateSubscription");
    await rig.child.said("Subscribe");
    rig.child.signal("SIGKILL");
    const expected = { reason: "OWNER_LOST", code: Code.Unavailable, retryDelayMs: expect.any(Number) };
    expect(await lost).toMatchObject(expected);
    expect(await stream).toMatchObject(expected);
    expect(await ask(rig.fleet)).toBe("here");
    expect(rig.fleet.state()).toMatchObject({ callsOut: 0 });
  });

  test("is taken over after some silence when the owner hangs; the old owner notices when it goes on", async () => {
    await using rig = await childAndCaller();
    rig.child.signal("SIGSTOP");
    await vi.waitFor(async () => expect(await ask(rig.fleet)).toBe("here"), { timeout: 8_000 });
    expect(rig.child.lines).not.toContain("lost");
    rig.child.signal("SIGCONT");
    await rig.child.said("lost");
    expect(await ask(rig.fleet)).toBe("here");
    expect(rig.taken.length).toBe(1);
  });

  test("goes over without a failed call when the owner drains", async () => {
    await using rig = await childAndCaller();
    const owners: (string | undefined)[] = [];
    rig.child.signal("SIGTERM");
    await vi.waitFor(
      async () => {
        owners.push(await ask(rig.fleet));
        expect(owners.at(-1)).toBe("here");
      },
      { timeout: 5_000, interval: 1 },
    );
    await rig.child.ended();
    expect(owners.every((owner) => owner === "child" || owner === "here")).toBe(true);
    expect(rig.taken).toEqual([undefined]);
  });

  test("a call that a draining unit refuses is made at the next owner, whatever its method", async () => {
    let drained: Promise<void> | undefined;
    await using rig = await ownerAndCaller({
      url: server.url,
      unit: UNIT,
      script: {
        unary: () => {
          drained = rig.owner.drain();
          throw serviceDraining();
        },
      },
    });
    await rig.caller.unary(UNIT, createSubscription, create(CreateSubscriptionRequestSchema), plainCall());
    await drained;
    expect(rig.taken.map(({ calls }) => calls)).toEqual([1]);
  });

  test("calls end when the connection is lost, and the owner stays the same when it is back", async () => {
    const own = await startNatsServer();
    await using _ = own;
    const aborted: unknown[] = [];
    await using rig = await ownerAndCaller({
      url: own.url,
      unit: UNIT,
      limits: { settleMs: 5_000 },
      script: {
        unary: (_request, context) =>
          new Promise((_resolve, reject) => {
            context.signal.addEventListener("abort", () => {
              aborted.push(context.signal.reason);
              reject(context.signal.reason);
            });
          }),
      },
    });
    const call = rig.caller.unary(
      UNIT,
      createSubscription,
      create(CreateSubscriptionRequestSchema),
      plainCall(),
    );
    const lost = call.catch((e: unknown) => e);
    await vi.waitFor(() => expect(rig.owner.state().callsIn).toBe(1));
    await own.restart("SIGKILL");
    expect(await lost).toMatchObject({ reason: "OWNER_LOST" });
    await vi.waitFor(() => expect(aborted.length).toBe(1));
    await vi.waitFor(() => expect(rig.callerNode.link.isConnected).toBe(true), { timeout: 10_000 });
    const again = rig.caller.unary(UNIT, getSubscription, get(), plainCall(AbortSignal.timeout(10_000)));
    again.catch(() => {});
    await vi.waitFor(() => expect(rig.owner.state().callsIn).toBe(1), { timeout: 10_000 });
    expect(rig.taken).toEqual([]);
    expect(rig.units.length).toBe(1);
  });

  test("an owner that is slower to connect again keeps its units", async () => {
    const own = await startNatsServer();
    await using _ = own;
    await using rig = await childAndCaller(own.url, { settleMs: 15_000, resolveTimeoutMs: 15_000 });
    rig.child.signal("SIGSTOP");
    await own.restart("SIGKILL");
    await vi.waitFor(() => expect(rig.node.link.isConnected).toBe(true), { timeout: 10_000 });
    const answer = ask(rig.fleet);
    const record = await rig.node.owners.get(UNIT);
    rig.child.signal("SIGCONT");
    expect(await answer).toBe("child");
    expect((await rig.node.owners.get(UNIT))?.revision).toBe(record?.revision);
    expect(rig.taken).toEqual([]);
  });

  test("without NATS calls for units of others fail at once, and those for own units go on", async () => {
    const own = await startNatsServer();
    await using _ = own;
    await using rig = await ownerAndCaller({ url: own.url, unit: UNIT, script: {} });
    await own.stop("SIGKILL");
    await vi.waitFor(() => expect(rig.callerNode.link.isConnected).toBe(false));
    await expect(ask(rig.caller)).rejects.toMatchObject({ reason: "LOG_UNAVAILABLE" });
    expect(await ask(rig.owner)).toBe("");
    await own.start();
  });
});

const get = () => create(GetSubscriptionRequestSchema, { name: "subscriptions/x" });

async function ask(fleet: Fleet): Promise<string | undefined> {
  return (await fleet.unary(UNIT, getSubscription, get(), plainCall())).subscription?.name ?? "";
}

/** What a stream ends with. */
async function readAll(fleet: Fleet): Promise<unknown> {
  try {
    for await (const _ of fleet.bidi(UNIT, subscribe, new Feed<SubscribeRequest>(), plainCall()));
    return undefined;
  } catch (error) {
    return error;
  }
}
