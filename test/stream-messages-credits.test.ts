import { create } from "@bufbuild/protobuf";
import { anyUnpack } from "@bufbuild/protobuf/wkt";
import { Code } from "@connectrpc/connect";
import { expect, it } from "vitest";
import { ErrorInfoSchema } from "../gen/google/rpc/error_details_pb.js";
import { SendMessagesResponseSchema } from "../gen/infobip/messages/v1/send_messages_pb.js";
import { MAX_STREAM_SENDS, StreamLoad } from "../src/messages/stream-load.ts";
import { describeResult, StreamHarness, settle } from "./stream-messages-harness.ts";

const EXCEEDED = `error ${Code.ResourceExhausted}`;

it("does not send what goes beyond the credits, and says so", async () => {
  const harness = new StreamHarness();
  const client = await harness.open({ maxInFlight: 2 });
  client.send("a", "b", "c");
  const { clientRef, status } = await client.error();
  const [info] = status.details.flatMap((any) => anyUnpack(any, ErrorInfoSchema) ?? []);
  expect(clientRef).toBe("c");
  expect(status.code).toBe(Code.ResourceExhausted);
  expect(info).toMatchObject({ reason: "CREDITS_EXCEEDED", metadata: { outcome: "NOT_SENT" } });
  expect(harness.calls).toHaveLength(2);
  expect(harness.reports).toMatchObject([{ reason: "CREDITS_EXCEEDED" }]);
});

it("gives a credit back with each result", async () => {
  const harness = new StreamHarness();
  const client = await harness.open({ maxInFlight: 1 });
  for (let n = 0; n < 20; n++) {
    client.send(`ref-${n}`);
    const results = client.results();
    await harness.begun(n + 1);
    harness.call(`ref-${n}`).answer();
    expect(await results).toEqual([`ref-${n}: ref-${n}`]);
  }
});

it("answers a client that floods the stream one refusal at a time", async () => {
  const harness = new StreamHarness();
  const client = await harness.open({ maxInFlight: 2 });
  client.send(...Array.from({ length: 1_000 }, (_, n) => `${n}`));
  const seen = [...(await client.results())];
  // Two are under way; one refusal is with the client and one is made ready for it.
  await settle();
  expect(client.requests.taken).toBeLessThanOrEqual(5);
  while (seen.length < 998) {
    const results = await client.results();
    expect(results).toHaveLength(1);
    seen.push(...results);
  }
  expect(seen).toEqual(Array.from({ length: 998 }, (_, n) => `${n + 2}: ${EXCEEDED}`));
  expect(harness.calls).toHaveLength(2);
});

it("reads no further for a client that does not read its results", async () => {
  const harness = new StreamHarness();
  harness.send = async () => create(SendMessagesResponseSchema, { bulkId: "x" });
  const client = await harness.open({ maxInFlight: 10 });
  client.send(...Array.from({ length: 1_000 }, (_, n) => `${n}`));
  const seen = await client.results();
  await settle();
  // What it has got and what its credits allow, no more.
  expect(client.requests.taken).toBeLessThanOrEqual(1 + seen.length + 10);
  while (seen.length < 1_000) seen.push(...(await client.results()));
  expect(seen).toEqual(Array.from({ length: 1_000 }, (_, n) => `${n}: x`));
});

it("reads no further while many bytes of results wait for the client", async () => {
  const harness = new StreamHarness();
  const bulkId = "x".repeat(100_000);
  harness.send = async () => create(SendMessagesResponseSchema, { bulkId });
  const client = await harness.open();
  client.send(...Array.from({ length: 200 }, (_, n) => `${n}`));
  let seen = (await client.expect("results")).results.length;
  await settle();
  expect(client.requests.taken).toBeLessThan(30);
  while (seen < 200) seen += (await client.expect("results")).results.length;
  expect(harness.reports).toHaveLength(200);
});

it("counts sends over all streams, and goes on when there is room again", async () => {
  const harness = new StreamHarness({ maxInFlight: 10_000 });
  const full = await harness.open({ maxInFlight: 10_000 });
  full.send(...Array.from({ length: MAX_STREAM_SENDS }, (_, n) => `full-${n}`));
  const firstResults = full.next();
  await harness.begun(MAX_STREAM_SENDS);
  const other = await harness.open();
  other.send("one", "two");
  const otherResults = other.results();
  await settle();
  // One of each stream may go over.
  expect(harness.calls).toHaveLength(MAX_STREAM_SENDS + 1);
  for (const { answer } of harness.calls.slice(0, MAX_STREAM_SENDS)) answer("done");
  await firstResults;
  await harness.begun(MAX_STREAM_SENDS + 2);
  harness.call("one").answer();
  harness.call("two").answer();
  expect(await otherResults).toEqual(["one: one", "two: two"]);
}, 20_000);

it("wakes all that wait for room once there is enough, and forgets those that have gone", () => {
  const load = new StreamLoad();
  const woken: string[] = [];
  for (let n = 0; n < MAX_STREAM_SENDS; n++) load.began();
  expect(load.isFull).toBe(true);
  const gone = () => woken.push("gone");
  load.onRoom(() => woken.push("a"));
  load.onRoom(gone);
  load.onRoom(() => woken.push("b"));
  load.forget(gone);
  load.ended();
  expect(woken).toEqual([]);
  for (let n = 1; n < MAX_STREAM_SENDS; n++) load.ended();
  expect(woken).toEqual(["a", "b"]);
  expect(load.waiting).toBe(0);
});

it("puts results that are ready in the same turn into one frame", async () => {
  const harness = new StreamHarness();
  const client = await harness.open();
  client.send("a", "b", "c");
  const frame = client.expect("results");
  await harness.begun(3);
  for (const { answer } of harness.calls) {
    answer();
    for (let hops = 0; hops < 20; hops++) await Promise.resolve();
  }
  expect((await frame).results.map(describeResult)).toEqual(["a: a", "b: b", "c: c"]);
});
