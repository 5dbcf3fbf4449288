import { Code } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { ServiceError } from "../src/errors.ts";
import { errorOf, type FakeRequest, fillEager, jobOf, settle, startQueue } from "./send-queue-rig.ts";

/** A hook that waits to be told. */
function gate() {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let calls = 0;
  const beforeSend = () => {
    calls++;
    return promise;
  };
  return { beforeSend, open: resolve, fail: reject, calls: () => calls };
}

test("a request leaves only when all its jobs are ready, and each is asked before each request", async () => {
  const rig = startQueue();
  const [first] = await fillEager(rig);
  const [a, b] = [gate(), gate()];
  const calls = [
    rig.queue.send(jobOf("a", { beforeSend: a.beforeSend })),
    rig.queue.send(jobOf("b", { beforeSend: b.beforeSend })),
  ];
  first?.accept();
  await settle();
  a.open();
  await settle();
  expect([a.calls(), b.calls(), rig.requests.length]).toEqual([1, 1, 8]);
  b.open();
  await settle();
  expect(rig.requests[8]?.ids).toEqual(["a", "b"]);
  rig.requests[8]?.status(400);
  await settle();
  expect([a.calls(), b.calls(), rig.requests.length]).toEqual([2, 2, 11]);
  rig.requests[9]?.accept();
  rig.requests[10]?.accept();
  await Promise.all(calls);
});

test.each([
  ["ECONNREFUSED", (request: FakeRequest) => request.fault("ECONNREFUSED")],
  ["503", (request: FakeRequest) => request.status(503)],
  ["429", (request: FakeRequest) => request.status(429)],
])("a job with a hook is not tried again after %s", async (_name, fail) => {
  const { queue, requests, timer } = startQueue();
  const failed = errorOf(queue.send(jobOf("a", { beforeSend: () => Promise.resolve() })));
  await settle();
  for (const request of requests) fail(request);
  expect((await failed).metadata.outcome).toBe("NOT_SENT");
  timer.advance(60_000);
  await settle();
  expect(requests).toHaveLength(1);
});

test("a job whose hook fails ends with that error, the others go", async () => {
  const rig = startQueue();
  const [first] = await fillEager(rig);
  const failing = gate();
  const failed = errorOf(rig.queue.send(jobOf("a", { beforeSend: failing.beforeSend })));
  const goes = rig.queue.send(jobOf("b", { beforeSend: () => Promise.resolve() }));
  first?.accept();
  await settle();
  const error = new ServiceError(Code.Unavailable, "LOG_UNAVAILABLE", "the log cannot be written");
  failing.fail(error);
  expect(await failed).toBe(error);
  await settle();
  expect(rig.requests[8]?.ids).toEqual(["b"]);
  rig.requests[8]?.accept();
  await goes;
});

test("a job that is cancelled while it gets ready stays behind, unsent", async () => {
  const { queue, requests } = startQueue();
  const { beforeSend, open } = gate();
  const controller = new AbortController();
  const call = errorOf(queue.send(jobOf("a", { beforeSend, signal: controller.signal })));
  controller.abort();
  expect(await call).toMatchObject({ reason: "CANCELLED", metadata: { outcome: "NOT_SENT" } });
  open();
  await settle();
  expect(requests).toEqual([]);
  expect(queue.state().requests).toBe(0);
});

test("a hook that throws something else ends its job without its text", async () => {
  const { queue, requests } = startQueue();
  const call = errorOf(queue.send(jobOf("a", { beforeSend: () => Promise.reject(new Error("secret")) })));
  expect(await call).toMatchObject({ code: Code.Internal, reason: "INTERNAL" });
  expect((await call).message).not.toContain("secret");
  expect(requests).toEqual([]);
});
