import { once } from "node:events";
import { connect } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { AdminListener, type Checks } from "../src/server/admin-listener.ts";

let checks: Checks;
let listener: AdminListener;
let base: string;
beforeEach(async () => {
  checks = { log: { ok: false, reason: "opening" }, upstream: { ok: true } };
  listener = await AdminListener.start({
    listen: { kind: "tcp", host: "127.0.0.1", port: 0 },
    checks: () => checks,
  });
  base = `http://127.0.0.1:${listener.address.kind === "tcp" ? listener.address.port : 0}`;
});
afterEach(() => listener[Symbol.asyncDispose]());

async function probe(page: string): Promise<[number, unknown]> {
  const response = await fetch(base + page, { headers: { connection: "close" } });
  return [response.status, await response.json()];
}

test("readyz follows the checks and names what does not hold", async () => {
  expect(await probe("/readyz")).toEqual([503, { ok: false, checks }]);
  checks = { log: { ok: true } };
  expect(await probe("/readyz?verbose")).toEqual([200, { ok: true, checks }]);
  checks = { log: { ok: false, reason: "disk full" } };
  expect(await probe("/readyz")).toEqual([503, { ok: false, checks }]);
});

test("startupz holds from the first time that all checks held", async () => {
  expect((await probe("/startupz"))[0]).toBe(503);
  checks = { log: { ok: true } };
  expect((await probe("/startupz"))[0]).toBe(200);
  checks = { log: { ok: false } };
  expect((await probe("/startupz"))[0]).toBe(200);
});

test("livez holds whatever the checks say", async () => {
  expect((await probe("/livez"))[0]).toBe(200);
});

test("anything else is 404, other methods 405", async () => {
  expect((await probe("/metrics"))[0]).toBe(404);
  const response = await fetch(`${base}/readyz`, { method: "POST", headers: { connection: "close" } });
  expect([response.status, response.headers.get("allow")]).toEqual([405, "GET, HEAD"]);
});

test("checks that throw do not hold", async () => {
  await using broken = await AdminListener.start({
    listen: { kind: "tcp", host: "127.0.0.1", port: 0 },
    checks: () => {
      throw new Error("private");
    },
  });
  const port = broken.address.kind === "tcp" ? broken.address.port : 0;
  const response = await fetch(`http://127.0.0.1:${port}/readyz`, { headers: { connection: "close" } });
  expect(response.status).toBe(503);
  expect(await response.text()).not.toContain("private");
});

test("stopping ends connections that say nothing and idle ones at once", async () => {
  const port = listener.address.kind === "tcp" ? listener.address.port : 0;
  const silent = connect(port, "127.0.0.1");
  await once(silent, "connect");
  const idle = connect(port, "127.0.0.1");
  idle.write("GET /livez HTTP/1.1\r\nHost: x\r\n\r\n");
  await once(idle, "data");
  const ended = Promise.all([silent, idle].map((socket) => once(socket, "close")));
  for (const socket of [silent, idle]) socket.on("error", () => {}).resume();
  const before = performance.now();
  await listener[Symbol.asyncDispose]();
  expect(performance.now() - before).toBeLessThan(500);
  await ended;
});
