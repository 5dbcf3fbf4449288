import { create } from "@bufbuild/protobuf";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { EventsService } from "../gen/infobip/events/v1/events_service_pb.js";
import type { SubscribeRequest } from "../gen/infobip/events/v1/subscribe_pb.js";
import {
  CreateSubscriptionRequestSchema,
  GetSubscriptionRequestSchema,
} from "../gen/infobip/events/v1/subscription_requests_pb.js";
import { type Frame, FrameType } from "../src/fleet/frame.ts";
import { callEnded } from "../src/rpc/call-ended.ts";
import { plainCall } from "./fixtures/call-context.ts";
import { Feed } from "./fixtures/feed.ts";
import { type FleetPair, ownerAndCaller, type PairOptions } from "./fixtures/fleet-pair.ts";
import { answer, startedFrame, type UnitScript } from "./fixtures/scripted-unit.ts";
import { describeNats, type NatsServer, startNatsServer } from "./nats-server.ts";

const { getSubscription, createSubscription, subscribe } = EventsService.method;
const UNIT = "subscription.orders";
const REPEATABLE = new Set([`${EventsService.typeName}/${getSubscription.name}`]);

describeNats("frames that get lost between processes", () => {
  let server: NatsServer;
  beforeAll(async () => {
    server = await startNatsServer();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  const pair = (options: Partial<PairOptions>, script: UnitScript = {}) =>
    ownerAndCaller({ url: server.url, unit: UNIT, script, idempotent: REPEATABLE, ...options });

  test("a gap in a stream ends it at both ends, and nothing after the gap is delivered", async () => {
    const aborted: unknown[] = [];
    await using rig = await pair(
      { ownerLoses: nth(FrameType.DATA, 3) },
      {
        bidi: async function* (_requests, context) {
          for (let n = 0; n < 5; n++) yield startedFrame(`${n}`);
          await new Promise((resolve) => context.signal.addEventListener("abort", resolve));
          aborted.push(context.signal.reason);
        },
      },
    );
    let got = 0;
    const run = async () => {
      for await (const _ of rig.caller.bidi(UNIT, subscribe, new Feed<SubscribeRequest>(), plainCall()))
        got++;
    };
    await expect(run()).rejects.toMatchObject({ reason: "OWNER_LOST" });
    expect(got).toBe(2);
    await vi.waitFor(() => expect(aborted).toEqual([expect.objectContaining({ reason: "OWNER_LOST" })]));
    await nothingLeft(rig);
  });

  test("a call whose end was lost does not wait for ever", async () => {
    await using rig = await pair(
      { ownerLoses: nth(FrameType.STATUS, 1) },
      {
        unary: () => Promise.reject(new Error("no answer")),
      },
    );
    await expect(created(rig)).rejects.toMatchObject({ reason: "OWNER_LOST" });
    await nothingLeft(rig);
  });

  test("a call whose begin was lost fails, or is repeated where that does no harm", async () => {
    let begun = 0;
    await using rig = await pair({
      callerLoses: ({ type }) => type === FrameType.OPEN && begun++ < 2,
    });
    await expect(created(rig)).rejects.toMatchObject({ reason: "OWNER_LOST" });
    const request = create(GetSubscriptionRequestSchema, { name: "subscriptions/x" });
    await rig.caller.unary(UNIT, getSubscription, request, plainCall());
    expect(begun).toBe(3);
    expect(rig.taken).toEqual([]);
    await nothingLeft(rig);
  });

  test("a call that was given up without the owner's knowledge ends there too", async () => {
    let running = 0;
    await using rig = await pair(
      { callerLoses: ({ type }) => type === FrameType.CANCEL },
      {
        unary: (_request, { signal }, method) => {
          running++;
          return new Promise((resolve, reject) => {
            signal.addEventListener("abort", () => {
              running--;
              reject(callEnded(signal));
            });
            if (method.localName !== "createSubscription") resolve(answer(method, "owner"));
          });
        },
      },
    );
    const leave = new AbortController();
    const call = created(rig, leave.signal).catch((error: unknown) => error);
    await vi.waitFor(() => expect(running).toBe(1));
    leave.abort();
    expect(await call).toMatchObject({ reason: "CANCELLED" });
    await vi.waitFor(() => expect(running).toBe(0), 5_000);
    await nothingLeft(rig);
  });

  function created({ caller }: FleetPair, signal?: AbortSignal) {
    return caller.unary(UNIT, createSubscription, create(CreateSubscriptionRequestSchema), plainCall(signal));
  }

  async function nothingLeft({ owner, caller }: FleetPair): Promise<void> {
    await vi.waitFor(() => expect([owner.state().callsIn, caller.state().callsOut]).toEqual([0, 0]), 5_000);
  }

  /** Whether a frame is the nth of its type. */
  function nth(type: FrameType, which: number): (frame: Frame) => boolean {
    let seen = 0;
    return (frame) => frame.type === type && ++seen === which;
  }
});
