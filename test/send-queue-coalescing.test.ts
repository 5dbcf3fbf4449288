import { expect, test } from "vitest";
import { Channel } from "../gen/infobip/messages/v1/channel_pb.js";
import { MAX_SHARED_BODY_BYTES } from "../src/infobip/sending/batch.ts";
import type { SendJob } from "../src/infobip/sending/send-queue.ts";
import { fillEager, jobOf, settle, startQueue } from "./send-queue-rig.ts";

/** Sends jobs that all wait, frees a connection and tells which went together. */
async function groupsOf(jobs: readonly SendJob[], limits: { maxBatch?: number } = {}): Promise<string[][]> {
  const rig = startQueue({ limits: { connections: 8, ...limits } });
  const eager = await fillEager(rig);
  const ends = Promise.all(jobs.map((job) => rig.queue.send(job)));
  for (const request of eager) request.accept();
  for (let done = 8; done < rig.requests.length || rig.queue.state().requests > 0; done++) {
    await settle();
    rig.requests[done]?.accept();
  }
  await ends;
  return rig.requests.slice(8).map((request) => [...request.ids]);
}

test("with fewer than eight requests under way a job leaves in the same turn", async () => {
  const { queue, requests } = startQueue();
  const calls = Array.from({ length: 8 }, (_, index) => {
    const call = queue.send(jobOf(`m-${index}`));
    expect(requests).toHaveLength(index + 1);
    return call;
  });
  void queue.send(jobOf("m-8"));
  expect(requests).toHaveLength(8);
  expect(queue.state()).toMatchObject({ queuedJobs: 1, requests: 8 });
  requests[3]?.accept();
  await calls[3];
  expect(requests.at(-1)?.ids).toEqual(["m-8"]);
});

test("with something under way, what comes in one turn goes together at its end", async () => {
  const turns: (() => void)[] = [];
  const { queue, requests } = startQueue({ atEndOfTurn: (callback) => turns.push(callback) });
  void queue.send(jobOf("a"));
  expect(requests).toHaveLength(1);
  void queue.send(jobOf("b"));
  void queue.send(jobOf("c"));
  expect([requests.length, turns.length]).toEqual([1, 1]);
  turns.pop()?.();
  expect(requests.map(({ ids }) => ids)).toEqual([["a"], ["b", "c"]]);
  void queue.send(jobOf("d"));
  expect(turns).toHaveLength(1);
  for (const request of requests) request.accept();
  await settle();
  expect(requests.at(-1)?.ids).toEqual(["d"]);
  turns.pop()?.();
  expect(requests).toHaveLength(3);
});

test("what waits goes together in one request, and each caller gets its own answers in its own order", async () => {
  const rig = startQueue();
  const [first] = await fillEager(rig);
  const calls = [jobOf(["a-1", "a-2"]), jobOf("b"), jobOf(["c-1", "c-2"])].map((job) => rig.queue.send(job));
  first?.accept();
  await settle();
  expect(rig.requests).toHaveLength(9);
  expect(rig.requests[8]?.ids).toEqual(["a-1", "a-2", "b", "c-1", "c-2"]);
  expect(JSON.parse(rig.requests[8]?.body ?? "")).toEqual({
    messages: [{ ids: ["a-1", "a-2"] }, { ids: ["b"] }, { ids: ["c-1", "c-2"] }],
  });
  rig.requests[8]?.accept(["c-2", "b", "a-2", "a-1"]);
  const answers = await Promise.all(calls);
  expect(answers.map((answer) => answer.answers.map((one) => one?.messageId))).toEqual([
    ["a-1", "a-2"],
    ["b"],
    [undefined, "c-2"],
  ]);
  expect(answers.map(({ bulkId }) => bulkId)).toEqual(["bulk", "bulk", "bulk"]);
});

test("a further connection is used once the oldest has waited a quarter of a request", async () => {
  const rig = startQueue();
  const measured = rig.queue.send(jobOf("measured"));
  rig.timer.advance(80);
  rig.requests[0]?.accept();
  await measured;
  await fillEager(rig);
  void rig.queue.send(jobOf("a"));
  rig.timer.advance(12);
  void rig.queue.send(jobOf("b"));
  rig.timer.advance(7);
  expect(rig.requests).toHaveLength(9);
  rig.timer.advance(1);
  expect(rig.requests[9]?.ids).toEqual(["a", "b"]);
});

test("without experience the wait for company is 50 ms, and a full batch does not wait", async () => {
  const rig = startQueue({ limits: { maxBatch: 3 } });
  await fillEager(rig);
  void rig.queue.send(jobOf("a"));
  rig.timer.advance(49);
  expect(rig.requests).toHaveLength(8);
  rig.timer.advance(1);
  expect(rig.requests[8]?.ids).toEqual(["a"]);
  for (const id of ["b", "c", "d"]) void rig.queue.send(jobOf(id));
  expect(rig.requests[9]?.ids).toEqual(["b", "c", "d"]);
});

test("no more requests are under way than there are connections", async () => {
  const rig = startQueue({ limits: { connections: 10, maxBatch: 1 } });
  for (let index = 0; index < 25; index++) void rig.queue.send(jobOf(`m-${index}`));
  expect(rig.requests).toHaveLength(10);
  rig.timer.advance(1_000);
  expect(rig.requests).toHaveLength(10);
  for (let index = 0; index < 25; index++) {
    rig.requests[index]?.accept();
    await settle();
    expect(rig.queue.state().requests).toBeLessThanOrEqual(10);
  }
  expect(rig.requests).toHaveLength(25);
});

test("jobs that stand alone share with nobody, nor wait for company", async () => {
  const alone = [
    jobOf("options", {
      body: { endpoint: "messages", messages: ['{"m":1}'], options: '{"schedule":{"bulkId":"x"}}' },
    }),
    jobOf("opted-out", { coalesce: false }),
    jobOf("events", { body: { endpoint: "events", body: '{"events":[]}' } }),
  ];
  expect(await groupsOf([jobOf("a"), ...alone, jobOf("b", { flow: "other" })])).toEqual([
    ["a", "b"],
    ["options"],
    ["opted-out"],
    ["events"],
  ]);
  const rig = startQueue();
  await fillEager(rig);
  for (const job of alone) void rig.queue.send({ ...job, flow: "f" });
  expect(rig.requests.slice(8).map(({ body }) => body)).toEqual([
    '{"messages":[{"m":1}],"options":{"schedule":{"bulkId":"x"}}}',
    '{"messages":[{"ids":["opted-out"]}]}',
    '{"events":[]}',
  ]);
});

test("jobs with a message id in common never share a request, those without ids may", async () => {
  const jobs = [jobOf(["a", "b"]), jobOf(["c", "b"]), jobOf("d", { flow: "other" })];
  expect(await groupsOf(jobs)).toEqual([
    ["a", "b", "d"],
    ["c", "b"],
  ]);
  expect(await groupsOf([jobOf(""), jobOf("")])).toEqual([["", ""]]);
});

test("jobs with and without a hook do not share", async () => {
  const beforeSend = () => Promise.resolve();
  const jobs = [
    jobOf("a"),
    jobOf("hooked-1", { flow: "outbox", beforeSend }),
    jobOf("hooked-2", { flow: "outbox", beforeSend }),
    jobOf("b"),
  ];
  expect(await groupsOf(jobs)).toEqual([
    ["a", "b"],
    ["hooked-1", "hooked-2"],
  ]);
});

test("a batch is bounded by messages and bytes, and what is larger goes alone", async () => {
  const messages = (count: number, size = 10) => ({
    endpoint: "messages" as const,
    messages: Array.from({ length: count }, () => JSON.stringify("x".repeat(size))),
    options: undefined,
  });
  const byCount = [
    jobOf("a", { body: messages(2) }),
    jobOf("b", { body: messages(2) }),
    jobOf("c", { body: messages(5) }),
  ];
  expect(await groupsOf(byCount, { maxBatch: 4 })).toEqual([["a", "b"], ["c"]]);
  const half = MAX_SHARED_BODY_BYTES / 2 - 20;
  const bySize = [
    jobOf("a", { body: messages(1, half) }),
    jobOf("b", { body: messages(1, half) }),
    jobOf("c", { body: messages(1, half) }),
    jobOf("d", { body: messages(1, 3 * half) }),
  ];
  expect(await groupsOf(bySize)).toEqual([["a", "b"], ["c"], ["d"]]);
  expect(await groupsOf([jobOf("a"), jobOf("b"), jobOf("c")], { maxBatch: 1 })).toEqual([
    ["a"],
    ["b"],
    ["c"],
  ]);
});

test("events go to the events endpoint with their body as it is", async () => {
  const { queue, requests } = startQueue();
  const call = queue.send(
    jobOf(["e-1", "e-2"], {
      body: { endpoint: "events", body: '{"events":[{"x":1}]}' },
      channels: [{ channel: Channel.WHATSAPP, destinations: 2 }],
    }),
  );
  expect(requests[0]?.body).toBe('{"events":[{"x":1}]}');
  requests[0]?.accept();
  expect((await call).answers.map((answer) => answer?.messageId)).toEqual(["e-1", "e-2"]);
});
