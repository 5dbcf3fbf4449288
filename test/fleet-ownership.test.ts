import { create } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { EventsService } from "../gen/infobip/events/v1/events_service_pb.js";
import { GetSubscriptionRequestSchema } from "../gen/infobip/events/v1/subscription_requests_pb.js";
import { ServiceError } from "../src/errors.ts";
import type { UnitKinds } from "../src/fleet/unit.ts";
import { plainCall } from "./fixtures/call-context.ts";
import { type FleetNode, type NodeOptions, openNode } from "./fixtures/fleet-rig.ts";
import { ScriptedUnit } from "./fixtures/scripted-unit.ts";
import { describeNats, type NatsServer, startNatsServer, uniquePrefix } from "./nats-server.ts";

const { getSubscription } = EventsService.method;
const UNIT = "subscription.orders";

describeNats("who owns a unit", () => {
  let server: NatsServer;
  beforeAll(async () => {
    server = await startNatsServer();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  /** A process whose units say its label, and what it has opened. */
  async function node(prefix: string, label: string, options: Partial<NodeOptions> = {}) {
    const units: ScriptedUnit[] = [];
    const kinds: UnitKinds = {
      subscription: async (unit) => {
        const opened = new ScriptedUnit(unit, label);
        units.push(opened);
        return opened;
      },
    };
    const opened = await openNode({ url: server.url, prefix, kinds, ...options });
    return { ...opened, units, [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose]() };
  }

  async function ask({ fleet }: FleetNode, unit = UNIT): Promise<string | undefined> {
    const request = create(GetSubscriptionRequestSchema, { name: "subscriptions/x" });
    return (await fleet.unary(unit, getSubscription, request, plainCall())).subscription?.name;
  }

  test("the first process that is asked owns a unit; the others call it there", async () => {
    const prefix = uniquePrefix();
    await using a = await node(prefix, "a");
    await using b = await node(prefix, "b");
    await using c = await node(prefix, "c");
    expect(await ask(a)).toBe("a");
    expect(await Promise.all([ask(b), ask(c), ask(a)])).toEqual(["a", "a", "a"]);
    expect(await ask(b, "subscription.other")).toBe("b");
    expect(a.units.length).toBe(1);
    expect(b.units.map(({ name }) => name)).toEqual(["subscription.other"]);
    expect(c.units).toEqual([]);
    expect(a.fleet.state().owned).toEqual(new Map([["subscription", 1]]));
    expect(c.fleet.state()).toEqual({ owned: new Map(), callsIn: 0, callsOut: 0 });
  });

  test("calls at the same time in all processes open a unit once", async () => {
    const prefix = uniquePrefix();
    await using a = await node(prefix, "a");
    await using b = await node(prefix, "b");
    await using c = await node(prefix, "c");
    const asked = Array.from({ length: 60 }, (_, index) => ask([a, b, c][index % 3] as FleetNode));
    const owners = new Set(await Promise.all(asked));
    expect(owners.size).toBe(1);
    expect(a.units.length + b.units.length + c.units.length).toBe(1);
  });

  test("calls that look for the same owner at the same time share the search", async () => {
    const prefix = uniquePrefix();
    await using a = await node(prefix, "a");
    await using b = await node(prefix, "b");
    const reads = [a, b].map(({ owners }) => vi.spyOn(owners, "get"));
    expect(new Set(await Promise.all(Array.from({ length: 50 }, () => ask(a))))).toEqual(new Set(["a"]));
    expect(new Set(await Promise.all(Array.from({ length: 50 }, () => ask(b))))).toEqual(new Set(["a"]));
    expect(reads.map(({ mock }) => mock.calls.length)).toEqual([1, 1]);
  });

  test("a drained process gives its units up, and others have them at once", async () => {
    const prefix = uniquePrefix();
    const onGivenUp = vi.fn();
    await using a = await node(prefix, "a", { hooks: { onGivenUp } });
    await using b = await node(prefix, "b");
    expect(await ask(b, UNIT).then(() => ask(a, "subscription.mine"))).toBe("a");
    await a.fleet.drain();
    expect(onGivenUp).toHaveBeenCalledExactlyOnceWith("subscription.mine");
    expect(a.units.every(({ isDisposed }) => isDisposed)).toBe(true);
    expect(await ask(b, "subscription.mine")).toBe("b");
    expect(await ask(a, "subscription.mine")).toBe("b");
    await expect(ask(a, "subscription.another")).rejects.toMatchObject({ reason: "DRAINING" });
  });

  test("a unit that is fenced is closed here, and opened anew by the next call", async () => {
    const prefix = uniquePrefix();
    const onLost = vi.fn();
    await using a = await node(prefix, "a", { hooks: { onLost } });
    expect(await ask(a)).toBe("a");
    a.units[0]?.fence();
    expect(onLost).toHaveBeenCalledExactlyOnceWith(UNIT, new Error("fenced"));
    expect(await ask(a)).toBe("a");
    expect(a.units.map(({ isDisposed }) => isDisposed)).toEqual([true, false]);
  });

  test("a process whose record was replaced gives the unit up by itself", async () => {
    const prefix = uniquePrefix();
    await using a = await node(prefix, "a");
    await using b = await node(prefix, "b");
    expect(await ask(a)).toBe("a");
    const other = JSON.stringify({ owner: b.fleet.instanceId });
    await a.owners.put(UNIT, Buffer.from(other));
    await vi.waitFor(() => expect(a.units[0]?.isDisposed).toBe(true), { timeout: 5_000 });
    expect(await ask(a)).toBe("a");
    expect(a.units.length).toBe(2);
  });

  test.each(["the owner", "another process"])(
    "a unit with nothing in it is given up after a call of %s",
    async (who) => {
      const prefix = uniquePrefix();
      await using a = await node(prefix, "a");
      await using b = await node(prefix, "b");
      expect(await ask(a)).toBe("a");
      const [unit] = a.units;
      if (unit) unit.isEmpty = true;
      expect(await ask(who === "the owner" ? a : b)).toBe("a");
      await vi.waitFor(async () => expect(await a.owners.get(UNIT)).toBeUndefined());
      expect(unit?.isDisposed).toBe(true);
      expect(a.fleet.state().owned).toEqual(new Map());
    },
  );

  test("a unit that cannot be opened fails its calls and is free again", async () => {
    const prefix = uniquePrefix();
    let fail = true;
    const kinds: UnitKinds = {
      subscription: async (unit) => {
        if (fail) throw new Error("secret detail");
        return new ScriptedUnit(unit, "a");
      },
    };
    await using a = await openNode({ url: server.url, prefix, kinds });
    await using b = await node(prefix, "b");
    await expect(ask(a)).rejects.toMatchObject({
      reason: "INTERNAL",
      message: expect.not.stringContaining("secret"),
    });
    expect(await ask(b)).toBe("b");
    fail = false;
    expect(await ask(a)).toBe("b");
  });

  test("a kept unit has an owner without any call, and another one when that is gone", async () => {
    const prefix = uniquePrefix();
    await using b = await node(prefix, "b");
    {
      await using a = await node(prefix, "a");
      a.fleet.keep(UNIT);
      await vi.waitFor(() => expect(a.units.length).toBe(1));
      b.fleet.keep(UNIT);
      expect(await ask(b)).toBe("a");
      await a.link.connection.close();
      await vi.waitFor(() => expect(b.units.length).toBe(1), { timeout: 5_000 });
    }
    expect(await ask(b)).toBe("b");
  });

  test("tells why a kept unit has no owner, until it has one", async () => {
    let fail = true;
    const kinds: UnitKinds = {
      subscription: async (unit) => {
        if (fail) throw new ServiceError(Code.Unavailable, "LOG_UNAVAILABLE", "closed");
        return new ScriptedUnit(unit, "a");
      },
    };
    await using a = await openNode({ url: server.url, prefix: uniquePrefix(), kinds });
    a.fleet.keep(UNIT);
    await vi.waitFor(() => expect(a.fleet.trouble(UNIT)).toMatchObject({ reason: "LOG_UNAVAILABLE" }));
    fail = false;
    await vi.waitFor(() => expect(a.fleet.trouble(UNIT)).toBeUndefined(), { timeout: 5_000 });
    expect(await ask(a)).toBe("a");
  });
});
