import { create } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { EventsService } from "../gen/infobip/events/v1/events_service_pb.js";
import { type SubscribeRequest, SubscribeRequestSchema } from "../gen/infobip/events/v1/subscribe_pb.js";
import {
  CreateSubscriptionRequestSchema,
  GetSubscriptionRequestSchema,
} from "../gen/infobip/events/v1/subscription_requests_pb.js";
import { ServiceError } from "../src/errors.ts";
import type { CallContext } from "../src/rpc/call-context.ts";
import { callEnded } from "../src/rpc/call-ended.ts";
import { plainCall } from "./fixtures/call-context.ts";
import { Feed } from "./fixtures/feed.ts";
import { ownerAndCaller } from "./fixtures/fleet-pair.ts";
import { answer, startedFrame, type UnitScript } from "./fixtures/scripted-unit.ts";
import { describeNats, type NatsServer, startNatsServer } from "./nats-server.ts";

const { getSubscription, createSubscription, subscribe } = EventsService.method;
const UNIT = "subscription.orders";

describeNats("calls that run in another process", () => {
  let server: NatsServer;
  beforeAll(async () => {
    server = await startNatsServer();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  const pair = (script: UnitScript) => ownerAndCaller({ url: server.url, unit: UNIT, script });
  const get = (name: string) => create(GetSubscriptionRequestSchema, { name });

  test("requests and responses arrive whole, whatever their size", async () => {
    await using rig = await pair({
      unary: (request, _context, method) => {
        const { name } = request as { name?: string };
        return answer(method, `${name?.length}:${"r".repeat(name?.length ?? 0)}`);
      },
    });
    for (const size of [0, 1, 65_536, 65_537, 300_000, 5_000_000]) {
      const { subscription } = await rig.caller.unary(
        UNIT,
        getSubscription,
        get("q".repeat(size)),
        plainCall(),
      );
      expect(subscription?.name.length).toBe(size + 1 + String(size).length);
    }
    expect(rig.caller.state()).toMatchObject({ callsOut: 0 });
    await vi.waitFor(() => expect(rig.owner.state()).toMatchObject({ callsIn: 0 }));
  });

  test("a ServiceError arrives with all its parts", async () => {
    const error = new ServiceError(
      Code.FailedPrecondition,
      "CURSOR_FOREIGN_LOG",
      "use a cursor of this log",
      {
        domain: "api.infobip.com",
        metadata: { log: "7", head: "ab" },
        violations: [
          { field: "a.b[1]", description: "must be", reason: "rule" },
          { field: "c", description: "d" },
        ],
        retryDelayMs: 1_250,
        cause: new Error("hidden"),
      },
    );
    await using rig = await pair({ unary: () => Promise.reject(error) });
    const thrown = await rig.caller
      .unary(UNIT, getSubscription, get("x"), plainCall())
      .catch((e: unknown) => e);
    expect(thrown).toBeInstanceOf(ServiceError);
    expect(thrown).toEqual(Object.assign(error, { cause: undefined }));
  });

  test("an error with many violations is cut into parts and arrives", async () => {
    const violations = Array.from({ length: 30_000 }, (_, index) => ({
      field: `messages[${index}].message.channel`,
      description: "must be one of the channels",
    }));
    const error = new ServiceError(Code.InvalidArgument, "REQUEST_INVALID", "wrong", { violations });
    await using rig = await pair({ unary: () => Promise.reject(error) });
    const thrown = await rig.caller
      .unary(UNIT, getSubscription, get("x"), plainCall())
      .catch((e: unknown) => e);
    expect((thrown as ServiceError).violations).toEqual(violations);
  });

  test("an unexpected error loses its text and is reported at the owner", async () => {
    const cause = new Error("secret");
    await using rig = await pair({ unary: () => Promise.reject(cause) });
    const call = rig.caller.unary(
      UNIT,
      createSubscription,
      create(CreateSubscriptionRequestSchema),
      plainCall(),
    );
    await expect(call).rejects.toMatchObject({
      reason: "INTERNAL",
      message: expect.not.stringContaining("secret"),
      metadata: { error_id: expect.stringMatching(/./) },
    });
    expect(rig.internalErrors).toEqual([cause]);
  });

  test("frames of a stream come through in order, both ways, until the client closes its side", async () => {
    const seen: string[] = [];
    await using rig = await pair({
      bidi: async function* (requests) {
        for await (const { frame } of requests) {
          if (frame.case !== "start") continue;
          seen.push(frame.value.subscription);
          yield startedFrame(frame.value.subscription);
          yield startedFrame("");
        }
      },
    });
    const requests = new Feed<SubscribeRequest>();
    const responses = rig.caller.bidi(UNIT, subscribe, requests, plainCall())[Symbol.asyncIterator]();
    const names = ["a", "b".repeat(200_000), "c"];
    for (const name of names) {
      requests.push(start(name));
      expect(await responses.next()).toEqual({ done: false, value: bytes(startedFrame(name)) });
      expect(await responses.next()).toEqual({ done: false, value: bytes(startedFrame("")) });
    }
    requests.end();
    expect(await responses.next()).toEqual({ done: true, value: undefined });
    expect(seen).toEqual(names);
    await vi.waitFor(() => expect(rig.owner.state().callsIn).toBe(0));
  });

  test("what comes before the error of a stream is delivered", async () => {
    await using rig = await pair({
      bidi: async function* () {
        yield startedFrame("1");
        yield startedFrame("2");
        throw new ServiceError(Code.Aborted, "SESSION_EXPIRED", "gone");
      },
    });
    const got: number[] = [];
    const run = async () => {
      for await (const frame of rig.caller.bidi(UNIT, subscribe, new Feed<SubscribeRequest>(), plainCall())) {
        got.push(frame.length);
      }
    };
    await expect(run()).rejects.toMatchObject({
      reason: "SESSION_EXPIRED",
      code: Code.Aborted,
      message: "gone",
    });
    expect(got.length).toBe(2);
  });

  test("requests that fail do so at the owner", async () => {
    await using rig = await pair({
      bidi: async function* (requests) {
        yield startedFrame("up");
        for await (const _ of requests);
      },
    });
    const requests = async function* (): AsyncGenerator<SubscribeRequest> {
      yield start("x");
      throw new ServiceError(Code.InvalidArgument, "REQUEST_INVALID", "the request breaks a rule");
    };
    const run = async () => {
      for await (const _ of rig.caller.bidi(UNIT, subscribe, requests(), plainCall()));
    };
    await expect(run()).rejects.toMatchObject({ reason: "REQUEST_INVALID", code: Code.InvalidArgument });
  });

  test("a caller that leaves aborts the call at the owner, as a cancellation", async () => {
    const contexts: CallContext[] = [];
    await using rig = await pair({
      unary: (_request, context) => {
        contexts.push(context);
        return new Promise((_resolve, reject) => {
          context.signal.addEventListener("abort", () => reject(callEnded(context.signal)));
        });
      },
    });
    const leave = new AbortController();
    const left = rig.caller
      .unary(UNIT, getSubscription, get("x"), plainCall(leave.signal))
      .catch((e: unknown) => e);
    await vi.waitFor(() => expect(contexts.length).toBe(1));
    leave.abort();
    expect(await left).toMatchObject({ reason: "CANCELLED" });
    await vi.waitFor(() => expect(contexts[0]?.signal.aborted).toBe(true));
    expect(contexts[0]?.signal.reason).toMatchObject({ reason: "CANCELLED", code: Code.Canceled });
    expect(contexts[0]).toMatchObject({ protocolName: "nats", peer: `${rig.caller.instanceId}/${2}` });
  });

  test("a deadline comes along and ends the call at the owner by itself", async () => {
    const reasons: unknown[] = [];
    const left: (number | undefined)[] = [];
    await using rig = await pair({
      unary: (_request, context) => {
        left.push(context.timeoutMs());
        return new Promise((_resolve, reject) => {
          context.signal.addEventListener("abort", () => {
            reasons.push(context.signal.reason);
            reject(callEnded(context.signal));
          });
        });
      },
    });
    const call = { ...plainCall(), timeoutMs: () => 80 };
    const ended = rig.caller.unary(UNIT, getSubscription, get("x"), call);
    await expect(ended).rejects.toMatchObject({ reason: "DEADLINE_EXCEEDED", code: Code.DeadlineExceeded });
    expect(left[0]).toBeGreaterThan(0);
    expect(left[0]).toBeLessThanOrEqual(80);
    expect(reasons).toEqual([expect.objectContaining({ reason: "DEADLINE_EXCEEDED" })]);
  });

  test("a consumer that stops reading ends the stream at the owner", async () => {
    const ends: unknown[] = [];
    await using rig = await pair({
      bidi: async function* (_requests, context) {
        yield startedFrame("up");
        await new Promise((resolve) => context.signal.addEventListener("abort", resolve));
        ends.push(context.signal.reason);
      },
    });
    for await (const _ of rig.caller.bidi(UNIT, subscribe, new Feed<SubscribeRequest>(), plainCall())) break;
    await vi.waitFor(() => expect(ends).toEqual([expect.objectContaining({ code: Code.Canceled })]));
    expect(rig.caller.state().callsOut).toBe(0);
  });

  test("calls past the limit are refused, and nothing of them runs", async () => {
    let running = 0;
    const gate = Promise.withResolvers<void>();
    await using rig = await ownerAndCaller({
      url: server.url,
      unit: UNIT,
      limits: { maxCallsPerPeer: 3 },
      script: {
        unary: async (_request, _context, method) => {
          running++;
          await gate.promise;
          return answer(method, "ok");
        },
      },
    });
    const calls = [1, 2, 3].map(() => rig.caller.unary(UNIT, getSubscription, get("x"), plainCall()));
    await vi.waitFor(() => expect(running).toBe(3));
    const fourth = rig.caller.unary(UNIT, getSubscription, get("x"), plainCall());
    await expect(fourth).rejects.toMatchObject({ reason: "OVERLOADED" });
    gate.resolve();
    await Promise.all(calls);
    expect(running).toBe(3);
  });
});

function start(subscription: string): SubscribeRequest {
  return create(SubscribeRequestSchema, { frame: { case: "start", value: { subscription } } });
}

/** Equal to bytes of the same content, whatever their class. */
function bytes(expected: Uint8Array) {
  return expect.toSatisfy((actual: Uint8Array) => Buffer.from(actual).equals(expected));
}
