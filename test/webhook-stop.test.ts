import { once } from "node:events";
import type { Socket } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import {
  bodyOf,
  deliveryReport,
  readToEnd,
  SECRET,
  startWebhookTarget,
  type WebhookTarget,
} from "./fixtures/webhook-target.ts";

const LONG_MS = 60_000;
const body = bodyOf(deliveryReport());
const HEADER = `POST /v1/delivery/${SECRET} HTTP/1.1\r\nHost: x\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n`;
let target: WebhookTarget;
beforeEach(async () => {
  target = await startWebhookTarget();
});
afterEach(() => target[Symbol.asyncDispose]());

/** A connection that the server has seen: what it sends arrives before the answer to a request sent later. */
async function dial(text = ""): Promise<Socket> {
  const socket = await target.dial();
  if (text !== "") socket.write(text);
  return socket;
}

/** Lets the log wait, and tells when an append has come. */
function holdAppends(): { arrived: Promise<void>; release: () => void } {
  const arrived = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  target.log.beforeAppend = () => {
    arrived.resolve();
    return released.promise;
  };
  return { arrived: arrived.promise, release: released.resolve };
}

test("connections without a complete header, and idle ones, end at once", async () => {
  const silent = await dial();
  const half = await dial("POST /v1/delivery");
  const idle = await dial(HEADER + body);
  await once(idle, "data");
  const ends = Promise.all([silent, half, idle].map(readToEnd));
  await target.listener.stop(LONG_MS);
  expect((await ends).join("")).toBe("");
});

test("a request in flight gets its answer, which closes its connection", async () => {
  const held = holdAppends();
  const socket = await dial(HEADER + body);
  const answer = readToEnd(socket);
  await held.arrived;
  const stopped = target.listener.stop(LONG_MS);
  held.release();
  expect(await answer).toMatch(/^HTTP\/1\.1 200 [\s\S]*connection: close/i);
  await stopped;
  expect(target.events()).toHaveLength(1);
});

test("a request that takes longer than the grace is ended, and a shorter grace overtakes a longer one", async () => {
  const held = holdAppends();
  const socket = await dial(HEADER + body);
  const answer = readToEnd(socket);
  await held.arrived;
  const long = target.listener.stop(LONG_MS);
  await target.listener.stop(10);
  await long;
  expect(await answer).toBe("");
  held.release();
});

test("after a stop nobody gets in", async () => {
  await target.listener.stop(LONG_MS);
  await expect(target.post("delivery", body)).rejects.toMatchObject({ code: "ECONNREFUSED" });
});
