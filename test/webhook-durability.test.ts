import { expect, test } from "vitest";
import { bodyOf, deliveryReport, startWebhookTarget } from "./fixtures/webhook-target.ts";

test("200 is not sent before the events are durable", async () => {
  await using target = await startWebhookTarget();
  const asked = Promise.withResolvers<void>();
  const durable = Promise.withResolvers<void>();
  target.log.beforeAppend = () => {
    asked.resolve();
    return durable.promise;
  };
  let isAnswered = false;
  const answer = target.post("delivery", bodyOf(deliveryReport())).finally(() => {
    isAnswered = true;
  });
  await asked.promise;
  // A whole other exchange passes through the same listener meanwhile.
  expect((await target.send("GET", "/")).status).toBe(404);
  expect(isAnswered).toBe(false);
  expect(target.outcomes.some((outcome) => outcome.status === 200)).toBe(false);
  durable.resolve();
  expect((await answer).status).toBe(200);
});

test("503 with Retry-After while the log refuses, 200 once it takes them", async () => {
  await using target = await startWebhookTarget();
  const failure = new Error("disk full");
  target.log.beforeAppend = () => Promise.reject(failure);
  const refused = await target.post("delivery", bodyOf(deliveryReport()));
  expect(refused.status).toBe(503);
  expect(Number(refused.headers["retry-after"])).toBeGreaterThan(0);
  expect(refused.text).not.toContain("disk full");
  expect(target.outcomes.at(-1)).toMatchObject({ reason: "LOG_UNAVAILABLE", cause: failure });
  target.log.beforeAppend = () => {};
  expect((await target.post("delivery", bodyOf(deliveryReport()))).status).toBe(200);
  expect(target.events()).toHaveLength(1);
});

test("503 when the log takes too long; a late success makes the repeat a duplicate", async () => {
  await using target = await startWebhookTarget({ limits: { appendTimeoutMs: 100 } });
  const late = Promise.withResolvers<void>();
  target.log.beforeAppend = () => late.promise;
  expect((await target.post("delivery", bodyOf(deliveryReport()))).status).toBe(503);
  target.log.beforeAppend = () => {};
  late.resolve();
  await target.log.waitPast(0, AbortSignal.timeout(5_000));
  const repeat = await target.post("delivery", bodyOf(deliveryReport()));
  expect(JSON.parse(repeat.text)).toEqual({ stored: 0, repeated: 1, unparsed: 0 });
});

test("stopping lets a webhook in flight finish, and takes no other", async () => {
  await using target = await startWebhookTarget();
  const asked = Promise.withResolvers<void>();
  const durable = Promise.withResolvers<void>();
  target.log.beforeAppend = () => {
    asked.resolve();
    return durable.promise;
  };
  const answer = target.post("delivery", bodyOf(deliveryReport()), { connection: "keep-alive" });
  await asked.promise;
  const stopped = target.listener[Symbol.asyncDispose]();
  await expect(target.send("GET", "/")).rejects.toThrow(/ECONNREFUSED/);
  durable.resolve();
  expect(await answer).toMatchObject({ status: 200, headers: { connection: "close" } });
  await stopped;
});
