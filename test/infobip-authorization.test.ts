import { inspect } from "node:util";
import { Code } from "@connectrpc/connect";
import { expect, test } from "vitest";
import type { Credentials } from "../src/infobip/credentials.ts";
import { Secret } from "../src/secret.ts";
import { ACCEPTED, clientOf, errorOf, httpAnswer, startUpstream } from "./infobip-scripted-upstream.ts";

const NEVER = new AbortController().signal;
const TOKEN_PATH = "/auth/1/oauth2/token";
const CLIENT_SECRET = "cl1ent-secret-of-the-tests";
const OAUTH: Credentials = { type: "oauth", clientId: "me & you", clientSecret: new Secret(CLIENT_SECRET) };

function tokenAnswer(token: string, expiresIn = 3600): string {
  return httpAnswer(
    200,
    JSON.stringify({ access_token: token, expires_in: expiresIn, token_type: "Bearer" }),
  );
}

/** Gives out token-1, token-2 …, and takes messages that bear one of the good ones. */
async function tokenUpstream(isGood: (token: string) => boolean = () => true, expiresIn = 3600) {
  let issued = 0;
  const upstream = await startUpstream(({ path, headers }, socket) => {
    if (path === TOKEN_PATH) return void socket.write(tokenAnswer(`token-${++issued}`, expiresIn));
    const good = isGood(headers.authorization?.replace("Bearer ", "") ?? "");
    socket.write(good ? httpAnswer(200, ACCEPTED) : httpAnswer(401));
  });
  const tokens = () => upstream.requests.filter(({ path }) => path === TOKEN_PATH).length;
  const sends = () => upstream.requests.filter(({ path }) => path !== TOKEN_PATH);
  return { upstream, tokens, sends };
}

test.each<[Credentials, string]>([
  [{ type: "app", apiKey: new Secret("key") }, "App key"],
  [{ type: "basic", username: "žarko", password: new Secret("p:w") }, `Basic ${btoa("\xc5\xbearko:p:w")}`],
  [{ type: "ibsso", token: new Secret("session") }, "IBSSO session"],
  [OAUTH, "Bearer token-1"],
])("scheme %# signs with its header", async (credentials, header) => {
  const { upstream, sends } = await tokenUpstream();
  await using _ = upstream;
  await using client = clientOf(upstream.url, { credentials });
  await client.sendMessages("{}", { signal: NEVER });
  expect(sends().map(({ headers }) => headers.authorization)).toEqual([header]);
});

test("a secret from a function is read at every call", async () => {
  const { upstream, sends } = await tokenUpstream();
  await using _ = upstream;
  let key = new Secret("old");
  await using client = clientOf(upstream.url, { credentials: { type: "app", apiKey: () => key } });
  await client.sendMessages("{}", { signal: NEVER });
  key = new Secret("new");
  await client.sendMessages("{}", { signal: NEVER });
  expect(sends().map(({ headers }) => headers.authorization)).toEqual(["App old", "App new"]);
});

test("a secret that cannot be read or cannot be a header sends nothing and is not shown", async () => {
  const { upstream } = await tokenUpstream();
  await using _ = upstream;
  await using unreadable = clientOf(upstream.url, {
    credentials: {
      type: "app",
      apiKey: () => {
        throw new Error("no such file");
      },
    },
  });
  const internal = await errorOf(unreadable.sendMessages("{}", { signal: NEVER }));
  expect(internal).toMatchObject({
    code: Code.Internal,
    reason: "INTERNAL",
    metadata: { outcome: "NOT_SENT" },
  });
  expect(internal.message).not.toContain("no such file");

  await using split = clientOf(upstream.url, {
    credentials: { type: "app", apiKey: new Secret("first-half\r\nX-Second: half") },
  });
  const refused = await errorOf(split.sendMessages("{}", { signal: NEVER }));
  expect(refused).toMatchObject({
    code: Code.Unauthenticated,
    reason: "UPSTREAM_CREDENTIALS_REJECTED",
    domain: "infobip-rpc",
    metadata: { outcome: "NOT_SENT" },
  });
  expect(inspect(refused, { depth: 10 })).not.toContain("first-half");
  expect(upstream.requests).toHaveLength(0);
});

test("one token serves everyone, asked for once and form-encoded", async () => {
  const { upstream, tokens } = await tokenUpstream();
  await using _ = upstream;
  await using client = clientOf(upstream.url, { credentials: OAUTH });
  await Promise.all(Array.from({ length: 20 }, () => client.sendMessages("{}", { signal: NEVER })));
  expect(tokens()).toBe(1);
  expect(upstream.requests[0]).toMatchObject({
    path: TOKEN_PATH,
    headers: { "content-type": "application/x-www-form-urlencoded" },
  });
  expect(upstream.requests[0]?.headers).not.toHaveProperty("authorization");
  expect(Object.fromEntries(new URLSearchParams(upstream.requests[0]?.body))).toEqual({
    client_id: "me & you",
    client_secret: CLIENT_SECRET,
    grant_type: "client_credentials",
  });
});

test("a token is renewed before it expires, beside calls that go on with the old one", async () => {
  let now = 1_000_000;
  const { upstream, tokens, sends } = await tokenUpstream(() => true, 3600);
  await using _ = upstream;
  await using client = clientOf(upstream.url, { credentials: OAUTH, now: () => now });
  await client.sendMessages("{}", { signal: NEVER });
  now += 3_539_000;
  await client.sendMessages("{}", { signal: NEVER });
  expect(tokens()).toBe(1);
  now += 2_000;
  await client.sendMessages("{}", { signal: NEVER });
  await upstream.seen(5);
  expect(tokens()).toBe(2);
  // The renewal's answer may take a moment more; every call until then bears the old token, which is still good.
  await expect
    .poll(async () => {
      await client.sendMessages("{}", { signal: NEVER });
      return sends().at(-1)?.headers.authorization;
    })
    .toBe("Bearer token-2");
  expect(sends()[2]?.headers.authorization).toBe("Bearer token-1");
  expect(tokens()).toBe(2);
});

test("an expired token is never used", async () => {
  let now = 1_000_000;
  const { upstream, sends } = await tokenUpstream(() => true, 60);
  await using _ = upstream;
  await using client = clientOf(upstream.url, { credentials: OAUTH, now: () => now });
  await client.sendMessages("{}", { signal: NEVER });
  now += 60_000;
  await client.sendMessages("{}", { signal: NEVER });
  expect(sends().map(({ headers }) => headers.authorization)).toEqual(["Bearer token-1", "Bearer token-2"]);
});

test("after a 401 the token is renewed once, for everyone, and the request goes again", async () => {
  const { upstream, tokens, sends } = await tokenUpstream((token) => token !== "token-1");
  await using _ = upstream;
  await using client = clientOf(upstream.url, { credentials: OAUTH });
  await Promise.all(Array.from({ length: 10 }, () => client.sendMessages("{}", { signal: NEVER })));
  expect(tokens()).toBe(2);
  expect(sends().filter(({ headers }) => headers.authorization === "Bearer token-2")).toHaveLength(10);
});

test("after a 401 a validation goes again with a new token too", async () => {
  let issued = 0;
  await using upstream = await startUpstream(({ path, headers }, socket) => {
    if (path === TOKEN_PATH) return void socket.write(tokenAnswer(`token-${++issued}`));
    const good = headers.authorization === "Bearer token-2";
    socket.write(good ? httpAnswer(200, JSON.stringify({ description: "d", action: "a" })) : httpAnswer(401));
  });
  await using client = clientOf(upstream.url, { credentials: OAUTH });
  await expect(client.validateMessages("{}", { signal: NEVER })).resolves.toMatchObject({ valid: true });
  expect(upstream.requests).toHaveLength(4);
});

test("a 401 that a new token does not mend is the error, and does not cost a token a call", async () => {
  const { upstream, tokens, sends } = await tokenUpstream(() => false);
  await using _ = upstream;
  await using client = clientOf(upstream.url, { credentials: OAUTH });
  for (let count = 0; count < 5; count++) {
    const error = await errorOf(client.sendMessages("{}", { signal: NEVER }));
    expect(error).toMatchObject({
      code: Code.Unauthenticated,
      reason: "UPSTREAM_CREDENTIALS_REJECTED",
      domain: "api.infobip.com",
      metadata: { outcome: "NOT_SENT", http_status: "401" },
    });
  }
  expect(tokens()).toBe(2);
  expect(sends()).toHaveLength(6);
});

test("an API key that is refused is not tried twice", async () => {
  const { upstream } = await tokenUpstream(() => false);
  await using _ = upstream;
  await using client = clientOf(upstream.url);
  await errorOf(client.sendMessages("{}", { signal: NEVER }));
  expect(upstream.requests).toHaveLength(1);
});

const ECHO = JSON.stringify({
  error: "x",
  description: `Secret ${CLIENT_SECRET} is wrong`,
  violations: [{ property: "client_secret", violation: `${CLIENT_SECRET} is wrong` }],
});

test.each([
  [
    "400",
    httpAnswer(400, ECHO),
    Code.Unauthenticated,
    "UPSTREAM_CREDENTIALS_REJECTED",
    { http_status: "400" },
  ],
  [
    "401",
    httpAnswer(401, ECHO),
    Code.Unauthenticated,
    "UPSTREAM_CREDENTIALS_REJECTED",
    { http_status: "401" },
  ],
  ["403", httpAnswer(403, ECHO), Code.PermissionDenied, "UPSTREAM_FORBIDDEN", { http_status: "403" }],
  ["404", httpAnswer(404, ECHO), Code.Unavailable, "UPSTREAM_FAILED", { http_status: "404" }],
  ["429", httpAnswer(429, ECHO), Code.ResourceExhausted, "UPSTREAM_RATE_LIMITED", { http_status: "429" }],
  ["500", httpAnswer(500, ECHO), Code.Unavailable, "UPSTREAM_FAILED", { http_status: "500" }],
  ["502", httpAnswer(502, ECHO), Code.Unavailable, "UPSTREAM_FAILED", { http_status: "502" }],
  ["503", httpAnswer(503, ECHO), Code.Unavailable, "UPSTREAM_FAILED", { http_status: "503" }],
  ["no token", httpAnswer(200, "{}"), Code.Unavailable, "UPSTREAM_FAILED", { fault: "ANSWER_WITHOUT_TOKEN" }],
  [
    "a broken token",
    tokenAnswer("a\nb"),
    Code.Unavailable,
    "UPSTREAM_FAILED",
    { fault: "ANSWER_WITHOUT_TOKEN" },
  ],
  ["a reset", "", Code.Unavailable, "UPSTREAM_FAILED", { fault: "ECONNRESET" }],
])("the token endpoint answering %s fails the call unsent", async (_title, text, code, reason, metadata) => {
  await using upstream = await startUpstream((_request, socket) => {
    if (text === "") socket.resetAndDestroy();
    else socket.write(text);
  });
  await using client = clientOf(upstream.url, { credentials: OAUTH });
  const calls = [1, 2, 3].map(() =>
    errorOf(client.sendMessages("{}", { signal: NEVER, messageIds: ["m-1"] })),
  );
  for (const error of await Promise.all(calls)) {
    expect(error).toMatchObject({
      code,
      reason,
      violations: [],
      metadata: { outcome: "NOT_SENT", endpoint: "token", ...metadata },
    });
    expect(error.metadata).not.toHaveProperty("message_ids");
    expect(inspect(error, { depth: 10 })).not.toContain(CLIENT_SECRET);
  }
  // Failures are shared, and the next call does not ask again at once.
  await errorOf(client.sendMessages("{}", { signal: NEVER }));
  expect(upstream.requests.map(({ path }) => path)).toEqual([TOKEN_PATH]);
});

test("after a failed fetch and its delay the next call asks again", async () => {
  let now = 1_000_000;
  await using upstream = await startUpstream(({ path }, socket, index) => {
    if (index === 0) socket.write(httpAnswer(500));
    else socket.write(path === TOKEN_PATH ? tokenAnswer("late") : httpAnswer(200, ACCEPTED));
  });
  await using client = clientOf(upstream.url, { credentials: OAUTH, now: () => now });
  await errorOf(client.sendMessages("{}", { signal: NEVER }));
  now += 1_000;
  await expect(client.sendMessages("{}", { signal: NEVER })).resolves.toMatchObject({ bulkId: "bulk" });
});

test("a caller waits for a token no longer than its deadline; closing ends the fetch", async () => {
  await using upstream = await startUpstream(() => {});
  const client = clientOf(upstream.url, { credentials: OAUTH });
  const late = await errorOf(client.sendMessages("{}", { signal: NEVER, timeoutMs: 30 }));
  expect(late).toMatchObject({
    code: Code.DeadlineExceeded,
    reason: "DEADLINE_EXCEEDED",
    metadata: { outcome: "NOT_SENT" },
  });
  const waiting = errorOf(client.sendMessages("{}", { signal: NEVER }));
  await upstream.seen(1);
  await client[Symbol.asyncDispose]();
  expect(await waiting).toMatchObject({ code: Code.Unavailable, reason: "DRAINING" });
  expect(upstream.requests).toHaveLength(1);
});

test("a username with a colon is refused at the start", () => {
  expect(() =>
    clientOf("https://xxxxx.api.infobip.com", {
      credentials: { type: "basic", username: "a:b", password: new Secret("hunter2") },
    }),
  ).toThrow(/must not hold a colon/);
});

test("a secret is hidden however it is shown", () => {
  const secret = new Secret("hunter2");
  const shown = [
    `${secret}`,
    JSON.stringify({ secret }),
    inspect({ secret }),
    String(secret),
    inspect(new Map([[1, secret]])),
  ];
  for (const text of shown) {
    expect(text).toContain("[hidden]");
    expect(text).not.toContain("hunter2");
  }
  expect(secret.reveal()).toBe("hunter2");
});
