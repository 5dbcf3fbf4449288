import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  bodyOf,
  deliveryReport,
  readToEnd,
  SECRET,
  startWebhookTarget,
  type WebhookTarget,
} from "./fixtures/webhook-target.ts";

/** Runs repeat: the seed is fixed, and FC_SEED changes it. */
const SEED = Number(process.env.FC_SEED ?? 20_260_102);

let target: WebhookTarget;
let posted = 0;
beforeAll(async () => {
  target = await startWebhookTarget();
});
afterAll(() => target[Symbol.asyncDispose]());

/** Sends bytes over a bare connection, closes this side, and returns all that was answered. */
async function exchange(bytes: string | Uint8Array): Promise<string> {
  const socket = await target.dial();
  const answer = readToEnd(socket);
  socket.end(bytes);
  return await answer;
}

function head(route: string, ...headers: string[]): string {
  const lines = [
    `POST /v1/${route}/${SECRET} HTTP/1.1`,
    "Host: x",
    "Content-Type: application/json",
    ...headers,
  ];
  return `${lines.join("\r\n")}\r\n\r\n`;
}

function newBody(): string {
  return bodyOf(deliveryReport({ messageId: `message-${posted++}` }));
}

/** Nothing else than what was answered 200 is in the log, and the listener takes the next webhook. */
async function expectHarmless(bytes: string | Uint8Array): Promise<void> {
  const before = target.log.stored.length;
  const answer = await exchange(bytes);
  const statuses = [...answer.matchAll(/^HTTP\/1\.1 (\d{3})/gm)].map(([, status]) => Number(status));
  for (const status of statuses) expect([100, 200, 400, 404, 408, 411, 413, 417, 431, 501]).toContain(status);
  const taken = statuses.filter((status) => status === 200).length;
  expect(target.log.stored.length - before).toBe(taken);
  const next = await target.post("delivery", newBody());
  expect([next.status, JSON.parse(next.text).stored]).toEqual([200, 1]);
}

const route = fc.constantFrom("delivery", "seen", "inbound", "click");
const run = <T>(arbitrary: fc.Arbitrary<T>, predicate: (value: T) => Promise<void>) =>
  fc.assert(fc.asyncProperty(arbitrary, predicate), { seed: SEED, numRuns: 60 });

test("a length that is more or less than the body", () =>
  run(
    fc.tuple(
      route,
      fc.integer({ min: -40, max: 40 }).filter((error) => error !== 0),
    ),
    ([path, error]) => {
      const body = newBody();
      return expectHarmless(head(path, `Content-Length: ${body.length + error}`) + body);
    },
  ));

test("bodies that end in the middle", () =>
  run(fc.tuple(route, fc.double({ min: 0, max: 1, noNaN: true })), ([path, share]) => {
    const body = newBody();
    const sent = body.slice(0, Math.floor((body.length - 1) * share));
    return expectHarmless(head(path, `Content-Length: ${body.length}`) + sent);
  }));

test("chunks with sizes and ends that are garbage", () => {
  const size = fc.constantFrom(
    "zz",
    "-1",
    "0x10",
    "ffffffffffffffff",
    "10000000000000000",
    "",
    " 5",
    "5 ",
    "5;x=y",
    "٥",
  );
  const end = fc.constantFrom("\r\n", "\n", "", "\r", "\r\n\r\n");
  return run(fc.tuple(route, size, end, end), ([path, length, first, last]) => {
    const body = newBody();
    const chunk = `${length}${first}${body}${last}0\r\n\r\n`;
    return expectHarmless(head(path, "Transfer-Encoding: chunked") + chunk);
  });
});

test("headers that contradict each other or are too much", () => {
  const header = fc.constantFrom(
    "Content-Length: 5\r\nContent-Length: 6",
    "Content-Length: 5\r\nTransfer-Encoding: chunked",
    "Content-Length: -5",
    "Content-Length: 5, 5",
    "Content-Length: 99999999999999999999",
    "Content-Length: 0x10",
    "Transfer-Encoding: gzip, chunked",
    "Transfer-Encoding: chunked, identity",
    "Transfer-Encoding : chunked",
    "Expect: 200-maybe",
    "Upgrade: h2c\r\nConnection: Upgrade",
    `X: ${"x".repeat(20_000)}`,
    Array.from({ length: 3_000 }, (_, n) => `X${n}: 1`).join("\r\n"),
    "\u0000: x",
    " folded: x",
  );
  return run(fc.tuple(route, header), ([path, line]) => {
    const body = newBody();
    return expectHarmless(`${head(path, line)}${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`);
  });
});

test("bytes that are no HTTP at all", () =>
  run(fc.uint8Array({ minLength: 1, maxLength: 2_000 }), (bytes) => expectHarmless(bytes)));

test("a good webhook with garbage behind it is stored once, whether its answer gets through or not", () =>
  run(fc.uint8Array({ minLength: 1, maxLength: 200 }), async (garbage) => {
    const body = newBody();
    const before = target.log.stored.length;
    const good = `${head("delivery", `Content-Length: ${body.length}`)}${body}`;
    await exchange(Buffer.concat([Buffer.from(good), garbage]));
    // The sender that got no answer repeats it.
    expect((await target.post("delivery", body)).status).toBe(200);
    expect(target.log.stored.length).toBe(before + 1);
  }));
