import { Code } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { Channel } from "../gen/infobip/messages/v1/channel_pb.js";
import type { SendJob } from "../src/infobip/sending/send-queue.ts";
import { errorOf, fillEager, jobOf, type QueueRig, settle, startQueue } from "./send-queue-rig.ts";

/** Accepts all requests and lets time pass in steps; returns when each id left. */
async function drain(rig: QueueRig, totalMs: number, stepMs = 10): Promise<Map<string, number>> {
  const left = new Map<string, number>();
  let seen = 0;
  for (let passed = 0; passed <= totalMs; passed += stepMs) {
    for (; seen < rig.requests.length; seen++) {
      const request = rig.requests[seen];
      for (const id of request?.ids ?? []) left.set(id, rig.timer.now());
      request?.accept();
      await settle();
    }
    rig.timer.advance(stepMs);
  }
  return left;
}

function send(rig: QueueRig, id: string, flow: string, destinations = 1, channel = Channel.SMS): void {
  const job: Partial<SendJob> = { flow, channels: [{ channel, destinations }] };
  void rig.queue.send(jobOf(id, job)).catch(() => {});
}

test("a flow with ten thousand jobs delays another's single job by no more than one batch", async () => {
  const rig = startQueue({ limits: { connections: 1, eagerRequests: 1 } });
  for (let index = 0; index < 10_000; index++) send(rig, `big-${index}`, "big");
  await settle();
  send(rig, "single", "small");
  rig.requests[0]?.accept();
  await settle();
  rig.requests[1]?.accept();
  await settle();
  const batches = rig.requests.slice(1).map(({ ids }) => ids.includes("single"));
  expect(batches).toContain(true);
  expect(rig.requests[1]?.ids).toHaveLength(100);
});

test("flows share by destinations, not by jobs", async () => {
  const rig = startQueue({ limits: { connections: 1, eagerRequests: 1, maxBatch: 1 } });
  send(rig, "first", "x");
  for (let index = 0; index < 40; index++) {
    send(rig, `wide-${index}`, "wide", 10);
    send(rig, `narrow-${index}`, "narrow");
  }
  for (let index = 0; index < 22; index++) {
    rig.requests[index]?.accept();
    await settle();
  }
  const order = rig.requests.slice(1).map(({ ids }) => ids[0]?.split("-")[0]);
  expect(order.filter((flow) => flow === "wide")).toHaveLength(2);
  expect(order.slice(0, 12).filter((flow) => flow === "narrow").length).toBeGreaterThanOrEqual(10);
});

test("jobs of one flow on one channel leave in order", async () => {
  const rig = startQueue({ limits: { connections: 1, eagerRequests: 1, maxBatch: 7 } });
  for (let index = 0; index < 50; index++) send(rig, `m-${index}`, "one", 1 + (index % 13));
  const left = await drain(rig, 100);
  expect([...left.keys()]).toEqual(Array.from({ length: 50 }, (_, index) => `m-${index}`));
});

test("the rate limit of a channel holds, and holds up no other channel", async () => {
  const rig = startQueue({ channels: new Map([[Channel.SMS, 10]]) });
  for (let index = 0; index < 40; index++) send(rig, `sms-${index}`, "caller");
  for (let index = 0; index < 40; index++) send(rig, `rcs-${index}`, "caller", 1, Channel.RCS);
  const left = await drain(rig, 4_000);
  const times = [...left].filter(([id]) => id.startsWith("sms")).map(([, time]) => time);
  expect(times).toHaveLength(40);
  for (const from of times) {
    expect(times.filter((time) => time >= from && time < from + 1_000).length).toBeLessThanOrEqual(20);
  }
  expect(times.at(-1)).toBeGreaterThanOrEqual(2_900);
  expect(times.at(-1)).toBeLessThanOrEqual(3_100);
  expect(Math.max(...[...left].filter(([id]) => id.startsWith("rcs")).map(([, t]) => t))).toBeLessThan(200);
});

test("a job that needs many tokens gets its turn among small ones of others", async () => {
  const rig = startQueue({ channels: new Map([[Channel.SMS, 100]]) });
  for (let index = 0; index < 1_000; index++) send(rig, `small-${index}`, "small");
  send(rig, "large", "large", 100);
  const left = await drain(rig, 12_000);
  expect(left.size).toBe(1_001);
  expect(left.get("large")).toBeLessThan(3_500);
});

test("an oversized job goes in its turn, and its flow pays for it while others keep their share", async () => {
  const rig = startQueue({ total: 100 });
  send(rig, "huge", "huge", 1_000);
  send(rig, "after", "huge");
  for (let index = 0; index < 300; index++) send(rig, `other-${index}`, "other");
  const left = await drain(rig, 15_000);
  expect(left.size).toBe(302);
  expect(left.get("huge")).toBe(0);
  expect(left.get("other-299")).toBeLessThanOrEqual(6_500);
  expect(left.get("after")).toBeGreaterThanOrEqual(11_000);
});

test("two oversized jobs of different flows both go, one after the other's debt", async () => {
  const rig = startQueue({ total: 100 });
  send(rig, "a", "a", 500);
  send(rig, "b", "b", 500);
  const left = await drain(rig, 8_000);
  expect([...left.keys()]).toEqual(["a", "b"]);
  expect(left.get("b")).toBeGreaterThanOrEqual(4_900);
});

test("a cancelled job gives back the tokens kept for it", async () => {
  const rig = startQueue({ channels: new Map([[Channel.SMS, 100]]) });
  send(rig, "first", "other", 100);
  const controller = new AbortController();
  const channels = [{ channel: Channel.SMS, destinations: 100 }];
  const large = errorOf(
    rig.queue.send(jobOf("large", { flow: "large", channels, signal: controller.signal })),
  );
  send(rig, "small", "small");
  rig.timer.advance(500);
  expect(rig.requests).toHaveLength(1);
  controller.abort();
  await large;
  expect(rig.requests[1]?.ids).toEqual(["small"]);
});

test("beyond its bounds the queue refuses, unsent", async () => {
  const rig = startQueue({ limits: { connections: 8, maxJobs: 2, maxBytes: 100 } });
  await fillEager(rig);
  void rig.queue.send(jobOf("a"));
  const body = { endpoint: "messages" as const, messages: ["x".repeat(90)], options: undefined };
  const full = { code: Code.ResourceExhausted, reason: "OVERLOADED", metadata: { outcome: "NOT_SENT" } };
  expect(await errorOf(rig.queue.send(jobOf("large", { body })))).toMatchObject(full);
  void rig.queue.send(jobOf("b"));
  expect(await errorOf(rig.queue.send(jobOf("c")))).toMatchObject(full);
  expect(rig.queue.state()).toMatchObject({ queuedJobs: 2 });
});

test("a job whose deadline would pass in the queue is refused at once, by its own flow's share", async () => {
  const rig = startQueue({ channels: new Map([[Channel.SMS, 10]]) });
  for (let index = 0; index < 110; index++) send(rig, `m-${index}`, "busy");
  const refused = await errorOf(rig.queue.send(jobOf("a", { flow: "busy", timeoutMs: 5_000 })));
  expect(refused).toMatchObject({ code: Code.DeadlineExceeded, reason: "OVERLOADED" });
  void rig.queue.send(jobOf("b", { flow: "busy", timeoutMs: 11_000 }));
  void rig.queue.send(jobOf("c", { flow: "idle", timeoutMs: 5_000 }));
  expect(rig.queue.state().queuedJobs).toBe(102);
});

test("requests that wait count with how long requests take lately", async () => {
  const rig = startQueue({ limits: { connections: 2, eagerRequests: 2, maxBatch: 1 } });
  const first = rig.queue.send(jobOf("first"));
  rig.timer.advance(1_000);
  rig.requests[0]?.accept();
  await first;
  for (let index = 0; index < 22; index++) send(rig, `m-${index}`, "busy");
  const refused = await errorOf(rig.queue.send(jobOf("a", { flow: "busy", timeoutMs: 9_000 })));
  expect(refused.reason).toBe("OVERLOADED");
  void rig.queue.send(jobOf("b", { flow: "busy", timeoutMs: 11_000 }));
  expect(rig.queue.state().queuedJobs).toBe(21);
});
