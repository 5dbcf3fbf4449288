import { createHmac } from "node:crypto";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { Secret } from "../src/secret.ts";
import { WebhookListener } from "../src/server/webhook-listener.ts";
import { WEBHOOK_ROUTES } from "../src/webhook/report-kind.ts";
import {
  configuredChecks,
  type HmacScheme,
  type WebhookCheck,
  type WebhookSecurity,
} from "../src/webhook/webhook-checks.ts";
import { MemoryEventLog } from "./fixtures/memory-event-log.ts";
import {
  bodyOf,
  deliveryReport,
  readToEnd,
  SECRET,
  startWebhookTarget,
  type WebhookTarget,
} from "./fixtures/webhook-target.ts";

const KEY = "the key of the signatures";
const report = bodyOf(deliveryReport());
const basic = { username: "infobip", password: new Secret("päss:word") };
const hmac: HmacScheme = {
  secret: new Secret(KEY),
  algorithm: "sha256",
  header: "X-Signature",
  encoding: "hex",
};

type Changes = Partial<Omit<WebhookSecurity, "require">> & { readonly require?: readonly WebhookCheck[] };

function secured({ require, ...changes }: Changes): WebhookSecurity {
  const parts = { basic: undefined, hmac: undefined, allowIps: [], trustedProxies: [], ...changes };
  const checks = require ?? configuredChecks(new Secret(SECRET), parts);
  return { ...parts, require: { delivery: checks, seen: checks, inbound: checks, click: checks } };
}

function authorization(name: string, password: string): string {
  return `Basic ${Buffer.from(`${name}:${password}`).toString("base64")}`;
}

function signature(body: string | Uint8Array, algorithm = "sha256", encoding: "hex" | "base64" = "hex") {
  return createHmac(algorithm, KEY).update(body).digest(encoding);
}

/** Status and reason of the answer, and the reason that was observed. */
async function outcome(
  target: WebhookTarget,
  headers: Record<string, string>,
  body: string | Uint8Array = report,
) {
  const { status, text } = await target.post("delivery", body, headers);
  await expect.poll(() => target.outcomes.length).toBeGreaterThan(0);
  return [status, JSON.parse(text).error, target.outcomes.at(-1)?.reason];
}

describe("user name and password", () => {
  const right = authorization("infobip", "päss:word");

  test("are taken when right, whatever the case of the scheme", async () => {
    await using target = await startWebhookTarget({ security: secured({ basic }) });
    expect((await outcome(target, { authorization: right }))[0]).toBe(200);
    expect((await outcome(target, { authorization: right.replace("Basic", "bASIC") }))[0]).toBe(200);
  });

  test.each([
    undefined,
    "",
    "Basic",
    "Basic ====",
    "Bearer x",
    right.slice(0, -4),
    authorization("infobip", "wrong"),
    authorization("Infobip", "päss:word"),
    authorization("infobip:päss", "word2"),
    `${right}, ${right}`,
  ])("get 401 and a challenge when they are wrong: %j", async (given) => {
    await using target = await startWebhookTarget({ security: secured({ basic }) });
    const headers: Record<string, string> = given === undefined ? {} : { authorization: given };
    expect(await outcome(target, headers)).toEqual([401, "CREDENTIALS_WRONG", "CREDENTIALS_WRONG"]);
    const answer = await target.post("delivery", report, headers);
    expect(answer.headers["www-authenticate"]).toMatch(/^Basic realm="infobip-rpc"/);
    expect(target.events()).toHaveLength(0);
  });

  test("are asked for before the body is wanted, and after the secret in the path", async () => {
    await using target = await startWebhookTarget({ security: secured({ basic }) });
    const socket = await target.dial();
    socket.write(
      `POST /v1/delivery/${SECRET} HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 10\r\n\r\n`,
    );
    const text = await readToEnd(socket);
    expect(text).toMatch(/^HTTP\/1\.1 401 /);
    expect(text).not.toContain("100 Continue");
    expect((await target.send("POST", "/v1/delivery/other", report)).status).toBe(404);
    expect((await target.send("GET", `/v1/delivery/${SECRET}`)).status).toBe(401);
  });
});

describe("a signature of the body", () => {
  test.each(["md5", "sha1", "sha224", "sha256", "sha384", "sha512"] as const)(
    "by %s is taken in hex and in base64, with and without a prefix",
    async (algorithm) => {
      for (const encoding of ["hex", "base64"] as const) {
        const security = secured({ hmac: { ...hmac, algorithm, encoding } });
        await using target = await startWebhookTarget({ security });
        const value = signature(report, algorithm, encoding);
        for (const given of [value, `${algorithm}=${value}`, `${algorithm.toUpperCase()}=${value}`]) {
          expect([given, (await outcome(target, { "x-signature": given }))[0]]).toEqual([given, 200]);
        }
        const other = signature(`${report} `, algorithm, encoding);
        expect((await outcome(target, { "x-signature": other }))[0]).toBe(401);
      }
    },
  );

  const right = signature(report);
  test.each([
    undefined,
    "",
    "sha256=",
    `sha1=${right}`,
    right.slice(2),
    `${right}00`,
    `${right.slice(0, -1)}g`,
    signature(report, "sha1"),
    signature(report, "sha256", "base64"),
    signature(report.replace("3", "4")),
  ])("gets 401 when it is wrong: %j", async (given) => {
    await using target = await startWebhookTarget({ security: secured({ hmac }) });
    const headers: Record<string, string> = given === undefined ? {} : { "x-signature": given };
    expect(await outcome(target, headers)).toEqual([401, "SIGNATURE_WRONG", "SIGNATURE_WRONG"]);
    expect(target.events()).toHaveLength(0);
  });

  test("is that of the bytes as they were sent, and nothing is inflated before it is right", async () => {
    await using target = await startWebhookTarget({ security: secured({ hmac }) });
    const sent = gzipSync(report);
    const gzip = { "content-encoding": "gzip" };
    expect((await outcome(target, { ...gzip, "x-signature": signature(sent) }, sent))[0]).toBe(200);
    expect((await outcome(target, { ...gzip, "x-signature": signature(report) }, sent))[0]).toBe(401);
    // Were it inflated first, the answer would be 400.
    expect((await outcome(target, { ...gzip, "x-signature": signature("y") }, "no gzip"))[0]).toBe(401);
    expect((await outcome(target, { "x-signature": signature("y") }, "no report"))[0]).toBe(401);
    expect(target.events()).toHaveLength(1);
  });

  test("that is missing is refused before the body is wanted", async () => {
    await using target = await startWebhookTarget({ security: secured({ hmac }) });
    const socket = await target.dial();
    socket.write(
      `POST /v1/delivery/${SECRET} HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 10\r\n\r\n`,
    );
    expect(await readToEnd(socket)).toMatch(/^HTTP\/1\.1 401 /);
  });
});

describe("routes", () => {
  test("ask for what is required of them alone", async () => {
    const require = {
      delivery: ["secret"],
      seen: ["basic"],
      inbound: ["secret", "hmac"],
      click: [],
    } as const;
    await using target = await startWebhookTarget({ security: { ...secured({ basic, hmac }), require } });
    const name = { authorization: authorization("infobip", "päss:word") };
    const signed = { "x-signature": signature(report) };
    const statuses = async (headers: Record<string, string>, secret: string) => {
      const answers = WEBHOOK_ROUTES.map((route) =>
        target.send("POST", `/v1/${route}${secret}`, report, headers),
      );
      return (await Promise.all(answers)).map((answer) => answer.status);
    };
    expect(await statuses({}, `/${SECRET}`)).toEqual([200, 401, 401, 200]);
    expect(await statuses({}, "")).toEqual([404, 401, 404, 200]);
    expect(await statuses(name, "")).toEqual([404, 200, 404, 200]);
    expect(await statuses({ ...name, ...signed }, `/${SECRET}`)).toEqual([200, 200, 200, 200]);
    // Where no secret is asked for, a wrong one is wrong still.
    expect(await statuses({ ...name, ...signed }, "/wrong")).toEqual([404, 404, 404, 404]);
  });

  test("cannot ask for what is not configured", async () => {
    const start = startWebhookTarget({ security: secured({ require: ["hmac"] }) });
    await expect(start).rejects.toThrow("webhook.delivery.require names hmac, which is not configured");
  });

  test("that ask for nothing keep the listener from an address that others can reach", async () => {
    const listen = { kind: "tcp", host: "0.0.0.0", port: 0 } as const;
    const security = secured({ basic });
    const open = { ...security, require: { ...security.require, click: [] } };
    const log = new MemoryEventLog();
    const secret = new Secret(SECRET);
    await expect(WebhookListener.start({ listen, secret, log, security: open })).rejects.toThrow(
      /webhook\.click/,
    );
    await using listener = await WebhookListener.start({ listen, secret, log, security });
    expect(listener.address.kind).toBe("tcp");
  });
});

test("what is observed of a refusal holds nothing of the attempt", async () => {
  await using target = await startWebhookTarget({ security: secured({ basic, hmac }) });
  await target.send("POST", "/v1/delivery/tried-secret", report);
  await target.post("delivery", report, { authorization: authorization("tried-name", "tried-password") });
  await target.post("delivery", report, {
    authorization: authorization("infobip", "päss:word"),
    "x-signature": "a".repeat(64),
  });
  expect(target.outcomes).toEqual(
    [
      [404, "SECRET_WRONG"],
      [401, "CREDENTIALS_WRONG"],
      [401, "SIGNATURE_WRONG"],
    ].map(([status, reason]) => ({
      route: "delivery",
      status,
      reason,
      receipt: undefined,
      cause: undefined,
    })),
  );
});
