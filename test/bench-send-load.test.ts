import { create, fromBinary } from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ChildServer } from "../bench/child-server.ts";
import { startNaiveGateway } from "../bench/peers/naive-gateway.ts";
import { toRest } from "../bench/peers/rest-mapping.ts";
import { startUncoalescedGateway } from "../bench/peers/uncoalesced-gateway.ts";
import type { SendTarget } from "../bench/send-callers.ts";
import { type SendLoad, startLoad, warmUp } from "../bench/send-load.ts";
import { checkJson, checkResponse, SAMPLE, SAMPLE_JSON, sampleWithRequestId } from "../bench/send-request.ts";
import { startUpstream, type Upstream } from "../bench/upstream.ts";
import {
  SendMessagesRequestSchema,
  SendMessagesResponseSchema,
  SendOutcome,
} from "../gen/infobip/messages/v1/send_messages_pb.js";
import { encodeRest } from "../src/infobip/codec/encode.ts";

/** Ends every phase here long before its time does. */
const MAX_CALLS = 40;
const MILLISECONDS = 20_000;

let upstream: Upstream;
let load: SendLoad;
let naive: ChildServer;
let validating: ChildServer;
let uncoalesced: ChildServer;

beforeAll(async () => {
  [upstream, load] = await Promise.all([startUpstream(), startLoad()]);
  [naive, validating, uncoalesced] = await Promise.all([
    startNaiveGateway(upstream.url, { validate: false }),
    startNaiveGateway(upstream.url, { validate: true }),
    startUncoalescedGateway(upstream.url),
  ]);
}, 30_000);

afterAll(async () => {
  for (const child of [load, naive, validating, uncoalesced, upstream]) await child[Symbol.asyncDispose]();
});

async function send(protocol: SendTarget["protocol"], address: string, requestIds = false) {
  const before = await upstream.counts();
  const target: SendTarget = { protocol, address, connections: 2, requestIds };
  const result = await load.run({ target, inFlight: 8, milliseconds: MILLISECONDS, maxCalls: MAX_CALLS });
  const { requests, messages } = await upstream.counts();
  return { ...result, requests: requests - before.requests, messages: messages - before.messages };
}

const EACH_ONCE = { calls: MAX_CALLS, requests: MAX_CALLS, messages: MAX_CALLS };

describe("the callers of the benchmark", () => {
  it.each([
    ["gRPC, naive gateway", "grpc", () => naive.address],
    ["gRPC, naive gateway that validates", "grpc", () => validating.address],
    ["Connect, naive gateway", "connect", () => naive.address],
    ["gRPC, uncoalesced gateway", "grpc", () => uncoalesced.address],
    ["undici, no gateway", "undici", () => new URL(upstream.url).host],
    ["fetch, no gateway", "fetch", () => new URL(upstream.url).host],
  ] as const)("make as many calls as asked, each one request: %s", async (_, protocol, address) => {
    const result = await send(protocol, address());
    expect(result).toMatchObject(EACH_ONCE);
    expect(result.p50Ms).toBeGreaterThan(0);
    expect(result.p99Ms).toBeGreaterThanOrEqual(result.p50Ms);
    expect(result.callsPerSecond).toBeGreaterThan(0);
  });

  it.each(["grpc", "connect"] as const)("can give each call a request id: %s", async (protocol) => {
    expect(await send(protocol, naive.address, true)).toMatchObject(EACH_ONCE);
  });

  it("stop when the time is over", async () => {
    const target: SendTarget = {
      protocol: "grpc",
      address: naive.address,
      connections: 1,
      requestIds: false,
    };
    const { calls } = await load.run({ target, inFlight: 1, milliseconds: 1 });
    expect(calls).toBeGreaterThanOrEqual(1);
    expect(calls).toBeLessThan(MAX_CALLS);
  });

  it("fail when a call does", async () => {
    // The upstream speaks no gRPC, the naive gateway has no StreamMessages.
    const { host } = new URL(upstream.url);
    await expect(send("grpc", host)).rejects.toThrow("grpc: ");
    await expect(send("stream", naive.address)).rejects.toThrow("stream: 12 UNIMPLEMENTED");
    await expect(send("fetch", naive.address)).rejects.toThrow("fetch: ");
  });

  it("warm up with calls of the same kind", async () => {
    const { messages } = await upstream.counts();
    const target: SendTarget = {
      protocol: "grpc",
      address: naive.address,
      connections: 1,
      requestIds: false,
    };
    await warmUp(load, target, { warmUpCalls: MAX_CALLS, warmUpMs: MILLISECONDS });
    expect((await upstream.counts()).messages - messages).toBe(MAX_CALLS);
  });

  it("say so when their process ends in the middle", async () => {
    const child = await startLoad();
    const target: SendTarget = {
      protocol: "grpc",
      address: naive.address,
      connections: 1,
      requestIds: false,
    };
    const running = child.run({ target, inFlight: 1, milliseconds: MILLISECONDS });
    await Promise.all([expect(running).rejects.toThrow("ended too early"), child[Symbol.asyncDispose]()]);
  });
});

describe("the sample request", () => {
  it("is the same in protobuf and JSON, by the product's codec and by hand", () => {
    expect(JSON.parse(SAMPLE_JSON)).toEqual(JSON.parse(encodeRest(SendMessagesRequestSchema, SAMPLE)));
    expect(toRest(SAMPLE)).toBe(SAMPLE_JSON);
  });

  it("takes a request id behind its bytes", () => {
    const { requestId, ...rest } = fromBinary(SendMessagesRequestSchema, sampleWithRequestId("id-1"));
    expect(requestId).toBe("id-1");
    expect(rest.messages).toEqual(SAMPLE.messages);
    expect(() => sampleWithRequestId("x".repeat(128))).toThrow("too long");
  });

  it("has one right answer: sent, to its destination, once", () => {
    const right = { destination: "385915550123", outcome: SendOutcome.SENT };
    const check = (...results: object[]) => checkResponse(create(SendMessagesResponseSchema, { results }));
    expect(() => check(right)).not.toThrow();
    expect(() => check()).toThrow("not answered");
    expect(() => check(right, right)).toThrow("not answered");
    expect(() => check({ ...right, outcome: SendOutcome.UNKNOWN })).toThrow("not answered");
    expect(() => check({ ...right, destination: "1" })).toThrow("not answered");
    expect(() => checkJson({ messages: [right] })).not.toThrow();
    expect(() => checkJson({ messages: [] })).toThrow("not answered");
  });
});
