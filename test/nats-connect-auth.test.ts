import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { expect, it, onTestFinished } from "vitest";
import { connectNats } from "../src/nats/connect-nats.ts";
import type { NatsAuth } from "../src/nats/nats-options.ts";
import { Secret } from "../src/secret.ts";
import { trustedAccount, userKey } from "./nats-credentials.ts";
import { natsOptions, openLink, QUICK, rejection } from "./nats-rig.ts";
import { describeNats, type NatsServer, startNatsServer } from "./nats-server.ts";

const SECRET = "correct-horse";

describeNats("authentication at NATS", () => {
  it("connects with user and password", async () => {
    const server = await start(`authorization { user: sms, password: ${SECRET} }`);
    const auth = (password: string) =>
      ({ kind: "password", user: "sms", password: new Secret(password) }) as const;
    await expectWelcome(server, auth(SECRET));
    await expectRefusal(server, auth("wrong-horse"));
    await expectRefusal(server, { kind: "none" });
  });

  it("connects with a token", async () => {
    const server = await start(`authorization { token: ${SECRET} }`);
    await expectWelcome(server, { kind: "token", token: new Secret(SECRET) });
    await expectRefusal(server, { kind: "token", token: new Secret("wrong-horse") });
  });

  it("connects with an nkey, also one with a line's end", async () => {
    const { publicKey, seed } = userKey();
    const server = await start(`authorization { users: [{ nkey: ${publicKey} }] }`);
    await expectWelcome(server, { kind: "nkey", seed: new Secret(seed) });
    await expectWelcome(server, { kind: "nkey", seed: new Secret(`${seed}\n`) });
    await expectRefusal(server, { kind: "nkey", seed: new Secret(userKey().seed) });
  });

  it("connects with a .creds file's content", async () => {
    const account = trustedAccount();
    const server = await start(account.config);
    await expectWelcome(server, { kind: "creds", creds: new Secret(account.credsOf("sms")) });
    await expectRefusal(server, { kind: "creds", creds: new Secret(trustedAccount().credsOf("sms")) });
  });

  it.each([
    [{ kind: "nkey", seed: new Secret(`SU${SECRET}`) }],
    [{ kind: "creds", creds: new Secret(`no creds but ${SECRET}`) }],
  ] as const)("refuses malformed credentials before it connects: %s", async (auth) => {
    const error = await rejection(connectNats(natsOptions("nats://127.0.0.1:1", { auth }), QUICK));
    expect(error.reason).toBe("CREDENTIALS_MALFORMED");
    expect(inspect(error)).not.toContain(SECRET);
  });

  it("fails for good once the server has refused it often enough in a row", async () => {
    const { server, rewrite } = await startWithFile(`authorization { token: ${SECRET} }`);
    const auth = { kind: "token", token: new Secret(SECRET) } as const;
    const link = await openLink(server.url, { auth }, { ...QUICK, refusedAttempts: 3 });
    await rewrite("authorization { token: another-horse }");
    await server.restart();
    const error = await link.failed;
    expect(error).toMatchObject({ name: "NatsConnectError", reason: "CREDENTIALS_REJECTED" });
    expect(inspect(error)).not.toContain(SECRET);
    expect(link.isConnected).toBe(false);
    const rejected = await rejection(link.request("x", Buffer.from("y")));
    expect(rejected.reason).toBe("LOG_UNAVAILABLE");
  });

  it("survives a refusal that passes", async () => {
    const { server, rewrite } = await startWithFile(`authorization { token: ${SECRET} }`);
    const auth = { kind: "token", token: new Secret(SECRET) } as const;
    const link = await openLink(server.url, { auth }, { ...QUICK, refusedAttempts: 1_000 });
    await rewrite("authorization { token: another-horse }");
    await server.restart();
    let refusals = 0;
    for await (const status of link.connection.status()) {
      if (status.type === "error" && ++refusals === 5) break;
    }
    expect(refusals).toBe(5);
    expect(link.health().reason).toMatch(
      /no connection to NATS at 127\.0\.0\.1:\d+: '?Authorization Violation/,
    );
    const back = new Promise<void>((resolve) => link.onReconnected(resolve));
    await rewrite(`authorization { token: ${SECRET} }`);
    await server.restart();
    await back;
    expect(link.health()).toEqual({ ok: true });
  });
});

async function start(config: string): Promise<NatsServer> {
  const server = await startNatsServer({ config });
  onTestFinished(() => server[Symbol.asyncDispose]());
  return server;
}

/** A server whose configuration can be changed before a restart. */
async function startWithFile(config: string) {
  const folder = await mkdtemp(join(tmpdir(), "nats-config-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, "included.conf");
  const rewrite = (text: string) => writeFile(file, text);
  await rewrite(config);
  // Paths of includes are relative to the file that includes.
  return { server: await start(`include "../${folder.slice(tmpdir().length + 1)}/included.conf"`), rewrite };
}

async function expectWelcome(server: NatsServer, auth: NatsAuth): Promise<void> {
  const link = await openLink(server.url, { auth });
  await link.connection.flush();
  expect(link.health()).toEqual({ ok: true });
}

async function expectRefusal(server: NatsServer, auth: NatsAuth): Promise<void> {
  const error = await rejection(connectNats(natsOptions(server.url, { auth }), QUICK));
  expect(error).toMatchObject({ name: "NatsConnectError", reason: "CREDENTIALS_REJECTED" });
  expect(error.message).toMatch(/Authorization Violation.*check the user, token, nkey or \.creds file/);
  expect(inspect(error)).not.toMatch(/horse/);
}
