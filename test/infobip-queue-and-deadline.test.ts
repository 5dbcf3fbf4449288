import { getEventListeners, once } from "node:events";
import { createServer, type Socket } from "node:net";
import { Code, ConnectError } from "@connectrpc/connect";
import { expect, test, vi } from "vitest";
import { ServiceError } from "../src/errors.ts";
import { CallBounds } from "../src/infobip/call-bounds.ts";
import { ACCEPTED, clientOf, errorOf, httpAnswer, startUpstream } from "./infobip-scripted-upstream.ts";

const NEVER = new AbortController().signal;
const UNKNOWN = { outcome: "UNKNOWN", message_ids: "m-1" };
const IDS = { messageIds: ["m-1"] };

/** An upstream that answers only when told to. */
async function heldUpstream() {
  const sockets: Socket[] = [];
  const upstream = await startUpstream((_request, socket) => void sockets.push(socket));
  return { upstream, answerNext: () => void sockets.shift()?.write(httpAnswer(200, ACCEPTED)) };
}

test("calls beyond connections and queue are refused at once; those within it get their turn in order", async () => {
  const { upstream, answerNext } = await heldUpstream();
  await using _ = upstream;
  await using client = clientOf(upstream.url, { connections: 1, maxQueued: 2 });
  const calls = ["first", "second", "third"].map((body) => client.sendMessages(body, { signal: NEVER }));
  const refused = await errorOf(client.sendMessages("fourth", { signal: NEVER }));
  expect(refused).toMatchObject({
    code: Code.ResourceExhausted,
    reason: "OVERLOADED",
    domain: "infobip-rpc",
    metadata: { outcome: "NOT_SENT" },
  });
  for (let count = 1; count <= 3; count++) {
    await upstream.seen(count);
    answerNext();
  }
  await Promise.all(calls);
  expect(upstream.requests.map((request) => request.body)).toEqual(["first", "second", "third"]);
  expect(upstream.connections()).toBe(1);
  const later = client.sendMessages("fifth", { signal: NEVER });
  await upstream.seen(4);
  answerNext();
  await expect(later).resolves.toMatchObject({ bulkId: "bulk" });
});

test("what ends while it waits for a connection was not sent and leaves the queue", async () => {
  const { upstream, answerNext } = await heldUpstream();
  await using _ = upstream;
  await using client = clientOf(upstream.url, { connections: 1, maxQueued: 1 });
  const held = client.sendMessages("held", { signal: NEVER });
  await upstream.seen(1);

  const cancel = new AbortController();
  const cancelled = errorOf(client.sendMessages("cancelled", { signal: cancel.signal, ...IDS }));
  cancel.abort();
  expect(await cancelled).toMatchObject({
    code: Code.Canceled,
    reason: "CANCELLED",
    metadata: { outcome: "NOT_SENT" },
  });

  const late = await errorOf(client.sendMessages("late", { signal: NEVER, timeoutMs: 20, ...IDS }));
  expect(late).toMatchObject({
    code: Code.DeadlineExceeded,
    reason: "OVERLOADED",
    metadata: { outcome: "NOT_SENT" },
  });

  const after = client.sendMessages("after", { signal: NEVER });
  answerNext();
  await upstream.seen(2);
  answerNext();
  await Promise.all([held, after]);
  expect(upstream.requests.map((request) => request.body)).toEqual(["held", "after"]);
});

test("what has ended before it begins is not sent", async () => {
  const { upstream } = await heldUpstream();
  await using _ = upstream;
  await using client = clientOf(upstream.url);
  const cancelled = await errorOf(client.sendMessages("x", { signal: AbortSignal.abort() }));
  expect(cancelled).toMatchObject({ code: Code.Canceled, metadata: { outcome: "NOT_SENT" } });
  const late = await errorOf(client.sendMessages("x", { signal: NEVER, timeoutMs: 0 }));
  expect(late).toMatchObject({ code: Code.DeadlineExceeded, metadata: { outcome: "NOT_SENT" } });
  expect(upstream.connections()).toBe(0);
});

test("the deadline after the request has left makes the outcome unknown", async () => {
  const { upstream } = await heldUpstream();
  await using _ = upstream;
  await using client = clientOf(upstream.url);
  const error = await errorOf(client.sendMessages("x", { signal: NEVER, timeoutMs: 50, ...IDS }));
  expect(upstream.requests).toHaveLength(1);
  expect(error).toMatchObject({
    code: Code.DeadlineExceeded,
    reason: "SEND_OUTCOME_UNKNOWN",
    metadata: UNKNOWN,
  });
});

test.each([
  ["a cancelled call", undefined, Code.Canceled],
  ["a deadline told by signal", new ConnectError("late", Code.DeadlineExceeded), Code.DeadlineExceeded],
  ["a timeout signal", new DOMException("late", "TimeoutError"), Code.DeadlineExceeded],
  ["a shutdown told by Connect", new ConnectError("stop", Code.Unavailable), Code.Unknown],
  ["a draining service", new ServiceError(Code.Unavailable, "DRAINING", "draining"), Code.Unknown],
])(
  "%s, after the request has left, makes the outcome unknown and closes the connection",
  async (_, reason, code) => {
    const { promise: closed, resolve } = Promise.withResolvers<void>();
    await using upstream = await startUpstream(
      (_request, socket) => void socket.on("close", () => resolve()),
    );
    await using client = clientOf(upstream.url);
    const controller = new AbortController();
    const call = errorOf(client.sendMessages("x", { signal: controller.signal, ...IDS }));
    await upstream.seen(1);
    controller.abort(reason);
    expect(await call).toMatchObject({ code, reason: "SEND_OUTCOME_UNKNOWN", metadata: UNKNOWN });
    await closed;
  },
);

test("a draining service's own error reaches a call that has not left", async () => {
  const { upstream } = await heldUpstream();
  await using _ = upstream;
  await using client = clientOf(upstream.url, { connections: 1 });
  const held = errorOf(client.sendMessages("held", { signal: NEVER }));
  await upstream.seen(1);
  const controller = new AbortController();
  const queued = errorOf(client.sendMessages("queued", { signal: controller.signal }));
  controller.abort(new ServiceError(Code.Unavailable, "DRAINING", "draining", { retryDelayMs: 5 }));
  expect(await queued).toMatchObject({
    code: Code.Unavailable,
    reason: "DRAINING",
    retryDelayMs: 5,
    metadata: { outcome: "NOT_SENT" },
  });
  const stop = new ConnectError("stop", Code.Unavailable);
  const stopped = await errorOf(client.sendMessages("stopped", { signal: AbortSignal.abort(stop) }));
  expect(stopped).toMatchObject({
    code: Code.Unavailable,
    reason: "DRAINING",
    metadata: { outcome: "NOT_SENT" },
  });
  await client[Symbol.asyncDispose]();
  expect(await held).toMatchObject({ reason: "SEND_OUTCOME_UNKNOWN" });
});

test("a call cancelled while its connection is made was not sent and is never written", async () => {
  // Nothing can be written before the TLS handshake, which this server never answers.
  const sockets: Socket[] = [];
  const server = createServer((socket) => void sockets.push(socket.on("error", () => {}))).listen(
    0,
    "127.0.0.1",
  );
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address ? address.port : 0;
  await using client = clientOf(`https://127.0.0.1:${port}`, { connections: 1, connectTimeoutMs: 5_000 });
  const controller = new AbortController();
  const connected = once(server, "connection");
  const call = errorOf(client.sendMessages("x", { signal: controller.signal, ...IDS }));
  await connected;
  controller.abort();
  expect(await call).toMatchObject({
    code: Code.Canceled,
    reason: "CANCELLED",
    metadata: { outcome: "NOT_SENT" },
  });
  for (const socket of sockets) socket.destroy();
  server.close();
});

test("a call cancelled a moment before its connection is there is not written to it", async () => {
  await using upstream = await startUpstream(
    (_request, socket) => void socket.write(httpAnswer(200, ACCEPTED)),
  );
  // Looking the name up takes a turn of the event loop, in which the call ends.
  await using client = clientOf(upstream.url.replace("127.0.0.1", "localhost"), { connections: 1 });
  const controller = new AbortController();
  const call = errorOf(client.sendMessages("cancelled", { signal: controller.signal, ...IDS }));
  for (let turn = 0; turn < 50; turn++) await Promise.resolve();
  controller.abort();
  const error = await call;
  expect(error).toMatchObject({ reason: "CANCELLED", metadata: { outcome: "NOT_SENT" } });
  expect(error.message).toContain("while connecting");
  await client.sendMessages("next", { signal: NEVER });
  expect(upstream.requests.map((request) => request.body)).toEqual(["next"]);
});

test("a call that is over leaves no listener on the caller's signal", async () => {
  await using upstream = await startUpstream(
    (_request, socket) => void socket.write(httpAnswer(200, ACCEPTED)),
  );
  await using client = clientOf(upstream.url);
  const { signal } = new AbortController();
  const call = client.sendMessages("{}", { signal });
  expect(getEventListeners(signal, "abort")).toHaveLength(1);
  await call;
  expect(getEventListeners(signal, "abort")).toHaveLength(0);
});

test("disposed bounds leave no timer", () => {
  vi.useFakeTimers();
  try {
    const bounds = new CallBounds({ signal: NEVER, timeoutMs: 10_000, limitMs: 20_000, now: Date.now });
    expect(vi.getTimerCount()).toBe(1);
    bounds[Symbol.dispose]();
    expect(vi.getTimerCount()).toBe(0);
  } finally {
    vi.useRealTimers();
  }
});

test("a closed client sends nothing and says so", async () => {
  const { upstream } = await heldUpstream();
  await using _ = upstream;
  const client = clientOf(upstream.url);
  await client[Symbol.asyncDispose]();
  await client[Symbol.asyncDispose]();
  const error = await errorOf(client.sendMessages("x", { signal: NEVER }));
  expect(error).toMatchObject({
    code: Code.Unavailable,
    reason: "DRAINING",
    metadata: { outcome: "NOT_SENT" },
  });
  expect(upstream.connections()).toBe(0);
});

test("closing waits for a call under way", async () => {
  const { upstream, answerNext } = await heldUpstream();
  await using _ = upstream;
  const client = clientOf(upstream.url, { closeTimeoutMs: 10_000 });
  const call = client.sendMessages("x", { signal: NEVER });
  await upstream.seen(1);
  const closing = client[Symbol.asyncDispose]();
  answerNext();
  await expect(call).resolves.toMatchObject({ bulkId: "bulk" });
  await closing;
});
