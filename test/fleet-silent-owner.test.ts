import { create } from "@bufbuild/protobuf";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { EventsService } from "../gen/infobip/events/v1/events_service_pb.js";
import { GetSubscriptionRequestSchema } from "../gen/infobip/events/v1/subscription_requests_pb.js";
import type { Fleet } from "../src/fleet/fleet.ts";
import { type Frame, FrameType } from "../src/fleet/frame.ts";
import { plainCall } from "./fixtures/call-context.ts";
import { openNode } from "./fixtures/fleet-rig.ts";
import { ScriptedUnit } from "./fixtures/scripted-unit.ts";
import { describeNats, type NatsServer, startNatsServer, uniquePrefix } from "./nats-server.ts";

const UNITS = 30;

describeNats("an owner that does not answer", () => {
  let server: NatsServer;
  beforeAll(async () => {
    server = await startNatsServer();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  const ask = async (fleet: Fleet, unit: string) => {
    const request = create(GetSubscriptionRequestSchema, { name: "subscriptions/any" });
    const { subscription } = await fleet.unary(
      unit,
      EventsService.method.getSubscription,
      request,
      plainCall(),
    );
    return subscription?.name;
  };

  /** `isMute`: nothing that the owner says arrives. Questions of the caller are counted. */
  async function rig(limits: { silenceMs: number; askTimeoutMs: number }) {
    await using opened = new AsyncDisposableStack();
    const prefix = uniquePrefix();
    const told = { isMute: false, questions: 0 };
    const kinds = (label: string) => ({
      subscription: (name: string) => Promise.resolve(new ScriptedUnit(name, label)),
    });
    const node = async (label: string, loses: (frame: Frame) => boolean) =>
      opened.use(await openNode({ url: server.url, prefix, kinds: kinds(label), limits, loses }));
    const owner = await node("owner", () => told.isMute);
    const caller = await node("caller", ({ type }) => {
      if (type === FrameType.ASK) told.questions++;
      return false;
    });
    const units = Array.from({ length: UNITS }, (_, n) => `subscription.s-${n}`);
    for (const unit of units) expect(await ask(owner.fleet, unit)).toBe("owner");
    const owned = opened.move();
    return { told, units, owner, caller, [Symbol.asyncDispose]: () => owned.disposeAsync() };
  }

  test("is waited for once, and not once for each of its units", async () => {
    await using fleet = await rig({ silenceMs: 60_000, askTimeoutMs: 300 });
    fleet.told.isMute = true;
    for (const unit of fleet.units) expect(await ask(fleet.caller.fleet, unit)).toBe("caller");
    expect(fleet.told.questions).toBe(1);
  });

  test("keeps what nobody has asked for, as soon as it is heard again", async () => {
    await using fleet = await rig({ silenceMs: 60_000, askTimeoutMs: 300 });
    const [first = "", second = ""] = fleet.units;
    const elsewhere = "subscription.elsewhere";
    expect(await ask(fleet.caller.fleet, elsewhere)).toBe("caller");
    fleet.told.isMute = true;
    expect(await ask(fleet.caller.fleet, first)).toBe("caller");
    fleet.told.isMute = false;
    // What it asks is as good a sign of life as any.
    expect(await ask(fleet.owner.fleet, elsewhere)).toBe("caller");
    expect(await ask(fleet.caller.fleet, second)).toBe("owner");
  });

  test("is asked again once its silence is no longer recent", async () => {
    await using fleet = await rig({ silenceMs: 200, askTimeoutMs: 300 });
    fleet.told.isMute = true;
    expect(await ask(fleet.caller.fleet, fleet.units[0] ?? "")).toBe("caller");
    let next = 1;
    await vi.waitFor(async () => {
      expect(await ask(fleet.caller.fleet, fleet.units[next++] ?? "")).toBe("caller");
      expect(fleet.told.questions).toBeGreaterThan(1);
    });
    expect(next).toBeLessThanOrEqual(UNITS);
  });
});
