import { mkdtemp, rm } from "node:fs/promises";
import { request } from "node:http";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { ListenAddress } from "../src/config/listen-address.ts";
import { createLogger } from "../src/log.ts";
import { CurrentLevel, LOG_LEVELS } from "../src/log-level.ts";
import { AdminListener } from "../src/server/admin-listener.ts";
import { startServiceRig } from "./fixtures/service-rig.ts";

let level: CurrentLevel;
let folder: string;
beforeEach(async () => {
  level = new CurrentLevel("info");
  folder = await mkdtemp(join(tmpdir(), "infobip-rpc-admin-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const start = (listen: ListenAddress) => AdminListener.start({ listen, checks: () => ({}), logLevel: level });

interface Answer {
  readonly status: number | undefined;
  readonly allow: string | undefined;
  readonly body: unknown;
}

/** Asks over a connection of its own, to another address or with another name where given. */
async function ask(
  { address }: AdminListener,
  method: string,
  path: string,
  { host, name }: { host?: string; name?: string } = {},
): Promise<Answer> {
  const to =
    address.kind === "unix"
      ? { socketPath: address.path }
      : { host: host ?? address.host, port: address.port };
  const headers = name === undefined ? {} : { host: name };
  const done = Promise.withResolvers<Answer>();
  const call = request({ ...to, method, path, headers, agent: false }, async (response) => {
    const text = Buffer.concat(await response.toArray()).toString();
    done.resolve({ status: response.statusCode, allow: response.headers.allow, body: JSON.parse(text) });
  });
  call.on("error", done.reject);
  call.end();
  return done.promise;
}

describe("over loopback", () => {
  const loopback = { kind: "tcp", host: "127.0.0.1", port: 0 } as const;

  test("the level is told and changed; what is no level changes nothing", async () => {
    await using admin = await start(loopback);
    expect(await ask(admin, "GET", "/loglevel")).toMatchObject({ status: 200, body: { level: "info" } });
    expect(await ask(admin, "PUT", "/loglevel?level=debug")).toMatchObject({
      status: 200,
      body: { level: "debug" },
    });
    expect(level.get()).toBe("debug");
    expect((await ask(admin, "GET", "/loglevel")).body).toEqual({ level: "debug" });
    for (const query of [
      "",
      "?level=",
      "?level=loud",
      "?level=DEBUG",
      "?level=warn&level=info",
      "?other=warn",
    ]) {
      expect(await ask(admin, "PUT", `/loglevel${query}`), query).toMatchObject({
        status: 400,
        body: { error: "LEVEL_UNKNOWN", levels: LOG_LEVELS },
      });
    }
    expect(level.get()).toBe("debug");
  });

  test("only GET, HEAD and PUT do anything, and PUT only there", async () => {
    await using admin = await start(loopback);
    for (const method of ["POST", "DELETE", "PATCH"]) {
      expect(await ask(admin, method, "/loglevel?level=debug")).toMatchObject({
        status: 405,
        allow: "GET, HEAD, PUT",
      });
    }
    expect(await ask(admin, "PUT", "/readyz")).toMatchObject({ status: 405, allow: "GET, HEAD" });
    expect(level.get()).toBe("info");
  });

  test("a foreign name, such as a web page can make point here, changes nothing", async () => {
    await using admin = await start(loopback);
    for (const name of ["evil.example", "evil.example:9464", "10.0.0.1", "localhost.evil.example"]) {
      const answer = await ask(admin, "PUT", "/loglevel?level=trace", { name });
      expect(answer, name).toMatchObject({ status: 403, body: { error: "NOT_LOCAL" } });
    }
    expect(level.get()).toBe("info");
    for (const name of ["localhost", "localhost:9464", "127.0.0.1:1", "[::1]:9464"]) {
      expect((await ask(admin, "PUT", "/loglevel?level=warn", { name })).status, name).toBe(200);
    }
  });
});

describe("elsewhere", () => {
  test("a peer of another machine reads the level and cannot change it", async () => {
    const outer = Object.values(networkInterfaces())
      .flatMap((addresses) => addresses ?? [])
      .find(({ internal, family }) => !internal && family === "IPv4");
    // An address of this machine that is not loopback stands for another machine: the peer is the same one.
    const host = outer?.address ?? "127.0.0.1";
    const mayChange = outer === undefined;
    await using admin = await start({ kind: "tcp", host: "0.0.0.0", port: 0 });
    expect(await ask(admin, "GET", "/loglevel", { host })).toMatchObject({ status: 200 });
    const { status } = await ask(admin, "PUT", "/loglevel?level=trace", { host, name: "localhost" });
    expect(status).toBe(mayChange ? 200 : 403);
    expect(level.get()).toBe(mayChange ? "trace" : "info");
  });

  test("whoever may open the Unix socket may change it, by any name", async () => {
    await using admin = await start({ kind: "unix", path: join(folder, "admin.sock") });
    expect((await ask(admin, "PUT", "/loglevel?level=error", { name: "any" })).status).toBe(200);
    expect(level.get()).toBe("error");
  });

  test("without a level there is no page", async () => {
    await using admin = await AdminListener.start({
      listen: { kind: "tcp", host: "127.0.0.1", port: 0 },
      checks: () => ({}),
    });
    expect((await ask(admin, "PUT", "/loglevel?level=debug")).status).toBe(404);
  });
});

test("a service writes more, and less, from the next line on", async () => {
  const lines: string[] = [];
  const log = createLogger({
    level: "info",
    format: "json",
    write: (line) => void lines.push(line),
    now: Date.now,
  });
  await using rig = await startServiceRig({ publicUrl: false, log });
  const put = (to: string) =>
    fetch(`http://${rig.addresses.admin}/loglevel?level=${to}`, {
      method: "PUT",
      headers: { connection: "close" },
    });
  const written = () => lines.filter((line) => line.includes('"msg":"asked"')).length;
  log.debug("asked", { component: "test" });
  expect(written()).toBe(0);
  expect(await (await put("debug")).json()).toEqual({ level: "debug" });
  log.child({ component: "test" }).debug("asked", {});
  expect(written()).toBe(1);
  await put("error");
  log.info("asked", { component: "test" });
  expect(written()).toBe(1);
});
