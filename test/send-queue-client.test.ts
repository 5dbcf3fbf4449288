import { expect, test } from "vitest";
import type { InfobipClient } from "../src/infobip/infobip-client.ts";
import { CircuitBreaker } from "../src/infobip/sending/circuit-breaker.ts";
import { createSendQueue } from "../src/infobip/sending/create-send-queue.ts";
import { RateLimiter } from "../src/infobip/sending/rate-limiter.ts";
import { RetryBudget } from "../src/infobip/sending/retry-budget.ts";
import type { RequestReport } from "../src/infobip/sending/send-hooks.ts";
import type { SendQueue } from "../src/infobip/sending/send-queue.ts";
import { Secret } from "../src/secret.ts";
import { createSimulator } from "../src/simulator/simulator.ts";
import { systemTimer } from "../src/timer.ts";
import { ACCEPTED, clientOf, errorOf, httpAnswer, startUpstream } from "./infobip-scripted-upstream.ts";
import { jobOf } from "./send-queue-rig.ts";
import { textMessage } from "./simulator-requests.ts";

const NEVER = new AbortController().signal;
const { now } = systemTimer;

function queueOf(client: InfobipClient, onRequest: (report: RequestReport) => void = () => {}): SendQueue {
  return createSendQueue({
    client,
    limits: { connections: 32, maxJobs: 16_384, maxBytes: 2 ** 26, maxBatch: 100, maxAttempts: 4 },
    limiter: new RateLimiter({ total: 0, channels: new Map(), now }),
    breaker: new CircuitBreaker({ failures: 5, openMs: 1_000, maxOpenMs: 30_000, now, random: Math.random }),
    budget: new RetryBudget(now),
    timer: systemTimer,
    random: Math.random,
    hooks: { onRequest },
  });
}

/** A job with one SMS to one address. */
function smsJob(messageId: string, to = "385910000001", signal = NEVER) {
  const message = { ...textMessage("SMS", []), destinations: [{ to, messageId }] };
  const body = { endpoint: "messages" as const, messages: [JSON.stringify(message)], options: undefined };
  return jobOf(messageId, { body, signal, timeoutMs: 20_000 });
}

test("128 callers with one call each under way need no more than one request for ten calls", async () => {
  await using simulator = createSimulator();
  const baseUrl = await simulator.start();
  await using client = clientOf(baseUrl, { credentials: { type: "app", apiKey: new Secret("simulator") } });
  await using queue = queueOf(client);
  const calls = 128 * 40;
  let next = 0;
  const caller = async (): Promise<void> => {
    while (next < calls) {
      const id = `m-${next++}`;
      const { answers } = await queue.send(smsJob(id));
      expect(answers.map((answer) => [answer?.messageId, answer?.status?.groupId])).toEqual([[id, 1]]);
    }
  };
  await Promise.all(Array.from({ length: 128 }, caller));
  const { messages, requests } = simulator.stats();
  expect(messages.accepted).toBe(calls);
  expect(requests.messages / calls).toBeLessThanOrEqual(0.1);
});

test("one call after the other makes one request each, without delay", async () => {
  await using simulator = createSimulator();
  const baseUrl = await simulator.start();
  await using client = clientOf(baseUrl, { credentials: { type: "app", apiKey: new Secret("simulator") } });
  const reports: RequestReport[] = [];
  await using queue = queueOf(client, (report) => void reports.push(report));
  for (let index = 0; index < 5; index++) await queue.send(smsJob(`m-${index}`));
  expect(reports).toHaveLength(5);
  expect(reports[0]).toMatchObject({
    endpoint: "messages",
    jobs: 1,
    messages: 1,
    destinations: 1,
    outcome: "SENT",
  });
});

test("a batch that the API refuses reaches all recipients but the culprit's", async () => {
  await using simulator = createSimulator();
  const baseUrl = await simulator.start();
  await using client = clientOf(baseUrl, { credentials: { type: "app", apiKey: new Secret("simulator") } });
  await using queue = queueOf(client);
  const bad = {
    ...smsJob("bad"),
    body: { endpoint: "messages" as const, messages: ["{}"], options: undefined },
  };
  const jobs = Array.from({ length: 40 }, (_, index) => (index === 23 ? bad : smsJob(`m-${index}`)));
  const ends = await Promise.allSettled(jobs.map((job) => queue.send(job)));
  expect(ends.filter(({ status }) => status === "rejected")).toHaveLength(1);
  expect(ends[23]).toMatchObject({
    reason: { reason: "UPSTREAM_REJECTED", metadata: { outcome: "NOT_SENT" } },
  });
  expect(simulator.stats().messages.accepted).toBe(39);
});

test("the client tells when bytes begin to leave, and not before", async () => {
  const held = Promise.withResolvers<void>();
  await using upstream = await startUpstream((_request, socket) => {
    void held.promise.then(() => socket.write(httpAnswer(200, ACCEPTED)));
  });
  await using client = clientOf(upstream.url, { connections: 1 });
  const written: string[] = [];
  const send = (name: string, signal = NEVER) =>
    client.sendMessages(name, { signal, onWritten: () => void written.push(name) });
  const first = send("first");
  await upstream.seen(1);
  const controller = new AbortController();
  const gone = errorOf(send("gone", controller.signal));
  const second = send("second");
  controller.abort();
  expect(await gone).toMatchObject({ reason: "CANCELLED", metadata: { outcome: "NOT_SENT" } });
  expect(written).toEqual(["first"]);
  held.resolve();
  await Promise.all([first, second]);
  expect(written).toEqual(["first", "second"]);
  expect(upstream.requests.map(({ body }) => body)).toEqual(["first", "second"]);
});

test("a connection that cannot be made was never written to", async () => {
  const written: string[] = [];
  await using nowhere = clientOf("http://127.0.0.1:1");
  const refused = await errorOf(
    nowhere.sendMessages("x", { signal: NEVER, onWritten: () => void written.push("refused") }),
  );
  expect(refused.reason).toBe("UPSTREAM_UNREACHABLE");
  expect(written).toEqual([]);
});

test("over real sockets: cancelled while it waits for a connection is unsent, cancelled later is told late", async () => {
  const held = Promise.withResolvers<void>();
  const answer = httpAnswer(200, JSON.stringify({ bulkId: "b", messages: [{ messageId: "written" }] }));
  await using upstream = await startUpstream((_request, socket) => {
    void held.promise.then(() => socket.write(answer));
  });
  await using client = clientOf(upstream.url, { connections: 1 });
  await using queue = queueOf(client);
  const [first, second] = [new AbortController(), new AbortController()];
  const late = Promise.withResolvers<unknown>();
  const written = errorOf(queue.send({ ...smsJob("written", "1", first.signal), onLate: late.resolve }));
  await upstream.seen(1);
  const connecting = errorOf(queue.send(smsJob("connecting", "1", second.signal)));
  second.abort();
  expect(await connecting).toMatchObject({ reason: "CANCELLED", metadata: { outcome: "NOT_SENT" } });
  first.abort();
  expect(await written).toMatchObject({
    reason: "SEND_OUTCOME_UNKNOWN",
    metadata: { outcome: "UNKNOWN", message_ids: "written" },
  });
  held.resolve();
  expect(await late.promise).toMatchObject({ bulkId: "b", answers: [{ messageId: "written" }] });
  expect(upstream.requests).toHaveLength(1);
});
