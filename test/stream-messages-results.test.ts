import { create } from "@bufbuild/protobuf";
import { anyUnpack } from "@bufbuild/protobuf/wkt";
import { Code } from "@connectrpc/connect";
import { beforeEach, expect, it } from "vitest";
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from "../gen/google/rpc/error_details_pb.js";
import type { Status } from "../gen/google/rpc/status_pb.js";
import {
  SendMessagesRequestSchema,
  SendMessagesResponseSchema,
} from "../gen/infobip/messages/v1/send_messages_pb.js";
import { StreamMessagesRequestSchema } from "../gen/infobip/messages/v1/stream_messages_pb.js";
import { ServiceError } from "../src/errors.ts";
import { validate } from "../src/validation.ts";
import { StreamHarness, sendFrame, settle } from "./stream-messages-harness.ts";

let harness: StreamHarness;
beforeEach(() => {
  harness = new StreamHarness();
});

function detailsOf({ details }: Status) {
  const [info] = details.flatMap((any) => anyUnpack(any, ErrorInfoSchema) ?? []);
  const [bad] = details.flatMap((any) => anyUnpack(any, BadRequestSchema) ?? []);
  const [retry] = details.flatMap((any) => anyUnpack(any, RetryInfoSchema) ?? []);
  return { info, bad, retry };
}

it("gives each result once, in the order in which the sends are done", async () => {
  const client = await harness.open();
  client.send("a", "b", "c");
  const first = client.results();
  await harness.begun(3);
  harness.call("b").answer();
  expect(await first).toEqual(["b: b"]);
  const second = client.results();
  await settle();
  harness.call("c").answer();
  harness.call("a").answer();
  expect(await second).toEqual(["c: c", "a: a"]);
  client.requests.end();
  expect(await client.next()).toBeUndefined();
});

it("gives two results to a client that uses a ref twice", async () => {
  const client = await harness.open();
  client.send("same", "same");
  const results = client.results();
  await harness.begun(2);
  harness.calls[1]?.answer("second");
  harness.calls[0]?.answer("first");
  expect(await results).toEqual(["same: second", "same: first"]);
});

it("hands on the request and the flow of its stream", async () => {
  const [one, other] = [await harness.open(), await harness.open()];
  one.send("a", "b");
  other.send("c");
  void one.next();
  void other.next();
  await harness.begun(3);
  const flows = ["a", "b", "c"].map((ref) => harness.call(ref).flow);
  expect(flows[0]).toMatch(/^stream \d+$/);
  expect(flows[1]).toBe(flows[0]);
  expect(flows[2]).not.toBe(flows[0]);
});

it("makes a request that breaks a rule a result with its path, and goes on", async () => {
  const client = await harness.open();
  const broken = create(SendMessagesRequestSchema, { messages: [] });
  client.requests.push(sendFrame("broken", undefined, broken), sendFrame("good"));
  const { clientRef, status } = await client.error();
  expect([clientRef, status.code]).toEqual(["broken", Code.InvalidArgument]);
  expect(detailsOf(status)).toMatchObject({
    info: { reason: "REQUEST_INVALID", metadata: { outcome: "NOT_SENT" } },
    bad: { fieldViolations: [{ field: "messages" }] },
  });
  harness.call("good").answer();
  expect(await client.results()).toEqual(["good: good"]);
});

it("does not check the request with its frame", () => {
  const broken = sendFrame("a", undefined, create(SendMessagesRequestSchema, { requestId: "not valid" }));
  expect(validate(StreamMessagesRequestSchema, broken)).toEqual([]);
  const nameless = sendFrame("");
  expect(validate(StreamMessagesRequestSchema, nameless)).toMatchObject([{ field: "send.client_ref" }]);
});

it("makes a send without a request a result", async () => {
  const client = await harness.open();
  client.requests.push(
    create(StreamMessagesRequestSchema, { frame: { case: "send", value: { clientRef: "empty" } } }),
  );
  const { status } = await client.error();
  expect(detailsOf(status).bad).toMatchObject({ fieldViolations: [{ field: "request" }] });
  expect(harness.calls).toEqual([]);
});

it("gives an error with all its details", async () => {
  const client = await harness.open();
  client.send("a");
  const error = client.error();
  await harness.begun(1);
  harness.call("a").fail(
    new ServiceError(Code.ResourceExhausted, "UPSTREAM_RATE_LIMITED", "slow down", {
      domain: "api.infobip.com",
      metadata: { outcome: "NOT_SENT", attempts: "4" },
      violations: [{ field: "messages[0]", description: "late" }],
      retryDelayMs: 1500,
    }),
  );
  const { status } = await error;
  expect(status).toMatchObject({ code: Code.ResourceExhausted, message: "slow down" });
  expect(detailsOf(status)).toMatchObject({
    info: {
      reason: "UPSTREAM_RATE_LIMITED",
      domain: "api.infobip.com",
      metadata: { outcome: "NOT_SENT", attempts: "4" },
    },
    bad: { fieldViolations: [{ field: "messages[0]", description: "late" }] },
    retry: { retryDelay: { seconds: 1n, nanos: 500_000_000 } },
  });
});

it("gives INTERNAL with an id for what no caller may see, and reports it", async () => {
  const client = await harness.open();
  client.send("a");
  const error = client.error();
  await harness.begun(1);
  const cause = new TypeError("a secret of the service");
  harness.call("a").fail(cause);
  const { status } = await error;
  expect(status.code).toBe(Code.Internal);
  expect(status.message).not.toContain("secret");
  expect(detailsOf(status).info).toMatchObject({
    reason: "INTERNAL",
    metadata: { error_id: "error-id-1", outcome: "UNKNOWN" },
  });
  expect(harness.internalErrors).toEqual([cause]);
});

it("bounds frames by bytes and gives a larger result a frame of its own", async () => {
  const client = await harness.open();
  const refs = ["small", ...Array.from({ length: 8 }, (_, index) => `large-${index}`), "huge", "last"];
  client.send(...refs);
  const frames: string[][] = [];
  const first = client.expect("results");
  await harness.begun(refs.length);
  for (const ref of refs) {
    const length = ref === "huge" ? 300_000 : ref.startsWith("large") ? 60_000 : 10;
    harness.call(ref).answer("x".repeat(length));
  }
  for (let next = await first; ; next = await client.expect("results")) {
    frames.push(next.results.map(({ clientRef }) => clientRef));
    if (frames.flat().length === refs.length) break;
  }
  expect(frames).toEqual([
    ["small", "large-0", "large-1", "large-2", "large-3"],
    ["large-4", "large-5", "large-6", "large-7"],
    ["huge"],
    ["last"],
  ]);
});

it("reports every send once", async () => {
  harness.send = async (request) => {
    harness.timer.advance(5);
    if (request.requestId === undefined) return create(SendMessagesResponseSchema);
    throw new ServiceError(Code.AlreadyExists, "REQUEST_ID_REUSED", "other contents");
  };
  const client = await harness.open();
  const reused = create(SendMessagesRequestSchema, {
    ...sendFrameRequest("b"),
    requestId: "id",
  });
  client.requests.push(sendFrame("a"), sendFrame("b", undefined, reused)).end();
  await client.next();
  expect(await client.next()).toBeUndefined();
  expect(harness.reports).toEqual([
    { code: undefined, reason: undefined, durationMs: 5 },
    { code: Code.AlreadyExists, reason: "REQUEST_ID_REUSED", durationMs: 5 },
  ]);
});

function sendFrameRequest(ref: string) {
  const { frame } = sendFrame(ref);
  if (frame.case !== "send" || frame.value.request === undefined) throw new Error("no request");
  return frame.value.request;
}
