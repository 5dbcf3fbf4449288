import { expect, test } from "vitest";
import { ManualClock } from "../src/simulator/manual-clock.ts";
import { createSimulator } from "../src/simulator/simulator.ts";
import { AUTHORIZED, call, INBOUND, REPORTS, SEND, smsTo } from "./simulator-requests.ts";

const TOKEN = "/auth/1/oauth2/token";
const FORM = { "content-type": "application/x-www-form-urlencoded" };
const basic = (user: string, password: string) =>
  `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;

test.each([
  ["App", "App simulator"],
  ["Basic", basic("simulator", "simulator")],
  ["IBSSO", "IBSSO simulator"],
])("grants %s credentials", async (_, authorization) => {
  await using simulator = createSimulator();
  const base = await simulator.start();

  expect((await call(base, "POST", SEND, smsTo("1"), { authorization })).status).toBe(200);
});

test.each([
  ["no header", {}],
  ["a wrong key", { authorization: "App wrong" }],
  ["a wrong password", { authorization: basic("simulator", "wrong") }],
  ["a wrong session", { authorization: "IBSSO wrong" }],
  ["a token never issued", { authorization: "Bearer simulator" }],
  ["another scheme", { authorization: "Digest simulator" }],
])("answers 401 to %s and accepts nothing", async (_, headers) => {
  await using simulator = createSimulator();
  const base = await simulator.start();

  const reply = await call(base, "POST", SEND, smsTo("1"), headers);

  expect(reply.status).toBe(401);
  expect(reply.json).toEqual({
    errorCode: "E401",
    description: "The request lacks valid authentication credentials for the requested resource.",
    action: "Check the resources and adjust authentication credentials.",
    violations: [],
    resources: [],
  });
  expect(simulator.stats().messages.accepted).toBe(0);
});

test("answers 403 to a credential without a fitting scope", async () => {
  await using simulator = createSimulator({
    credentials: [
      { scheme: "App", key: "reader", scopes: ["inbound-message:read"] },
      { scheme: "App", key: "sender", scopes: ["message:send"] },
    ],
  });
  const base = await simulator.start();
  const reader = { authorization: "App reader" };
  const sender = { authorization: "App sender" };

  const forbidden = await call(base, "POST", SEND, smsTo("1"), reader);

  expect(forbidden.status).toBe(403);
  expect(forbidden.json).toMatchObject({
    errorCode: "E403",
    description: "Insufficient permissions to access the requested resource.",
  });
  expect((await call(base, "GET", `${INBOUND}?channel=SMS`, undefined, reader)).status).toBe(200);
  expect((await call(base, "GET", `${INBOUND}?channel=SMS`, undefined, sender)).status).toBe(403);
  expect((await call(base, "GET", REPORTS, undefined, sender)).status).toBe(200);
});

test("issues Bearer tokens that end when they said they would", async () => {
  const clock = new ManualClock();
  await using simulator = createSimulator({ clock, tokenLifetimeSeconds: 60 });
  const base = await simulator.start();
  const form = "grant_type=client_credentials&client_id=simulator&client_secret=simulator";

  const issued = await call(base, "POST", TOKEN, form, FORM);
  const authorization = `Bearer ${issued.json.access_token}`;

  expect(issued.status).toBe(200);
  expect(issued.json).toMatchObject({ token_type: "Bearer", expires_in: 60 });
  clock.advance(59_999);
  expect((await call(base, "GET", REPORTS, undefined, { authorization })).status).toBe(200);
  clock.advance(1);
  expect((await call(base, "GET", REPORTS, undefined, { authorization })).status).toBe(401);
});

test.each([
  [
    "a wrong secret",
    "grant_type=client_credentials&client_id=simulator&client_secret=no",
    401,
    "invalid_client",
  ],
  ["another grant", "grant_type=password", 400, "unsupported_grant_type"],
])("refuses a token for %s in the older style", async (_, form, status, error) => {
  await using simulator = createSimulator();
  const base = await simulator.start();

  const reply = await call(base, "POST", TOKEN, form, FORM);

  expect(reply.status).toBe(status);
  expect(reply.json.error).toBe(error);
  expect(reply.json.requestError.serviceException.messageId).toBeTypeOf("string");
});

test("writes errors in the older style when asked to", async () => {
  await using simulator = createSimulator({ errorStyle: "legacy" });
  const base = await simulator.start();

  const unauthorized = await call(base, "POST", SEND, smsTo("1"), {});
  const bad = await call(base, "POST", SEND, { messages: [] }, AUTHORIZED);

  expect(unauthorized.json).toEqual({
    requestError: { serviceException: { messageId: "UNAUTHORIZED", text: "Unauthorized" } },
  });
  expect(bad.json.requestError.serviceException).toMatchObject({
    messageId: "BAD_REQUEST",
    text: "Bad request",
  });
  expect(Object.keys(bad.json.requestError.serviceException.validationErrors)).toEqual(["messages"]);
});
