import { Code } from "@connectrpc/connect";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { tokenHash } from "../src/callers/caller-token.ts";
import { type CallersRig, callersYaml, failureOf, sms, startCallersRig, tokenFor } from "./callers-rig.ts";

const CALLERS = [
  { name: "shop", scopes: ["send"] },
  { name: "reader", scopes: ["events"] },
  { name: "ops", scopes: ["admin"] },
];
const REQUEST = { messages: [sms()] };

describe.each(["grpc", "http"] as const)("over the %s listener", (listener) => {
  let rig: CallersRig;
  beforeAll(async () => {
    rig = await startCallersRig(CALLERS);
  });
  afterAll(() => rig[Symbol.asyncDispose]());

  test("a caller with its token is served", async () => {
    const { results } = await rig.as("shop", listener).messages.sendMessages(REQUEST);
    expect(results).toHaveLength(1);
  });

  test("a call without credentials is refused, and nothing is sent", async () => {
    const before = rig.simulator.stats().messages.accepted;
    const failure = await failureOf(rig.as(undefined, listener).messages.sendMessages(REQUEST));
    expect(failure).toMatchObject({
      code: Code.Unauthenticated,
      reason: "CREDENTIALS_MISSING",
      outcome: "NOT_SENT",
    });
    expect(rig.simulator.stats().messages.accepted).toBe(before);
  });

  test.each([
    ["an unknown token", `Bearer ${tokenFor("nobody")}`],
    ["a hash in place of its token", `Bearer ${tokenHash(tokenFor("shop"))}`],
    ["the beginning of a token", `Bearer ${tokenFor("shop").slice(0, -1)}`],
    ["two tokens", `Bearer ${tokenFor("shop")}, Bearer ${tokenFor("ops")}`],
    ["another scheme", `Basic ${Buffer.from(`shop:${tokenFor("shop")}`).toString("base64")}`],
    ["a token without its scheme", tokenFor("shop")],
    ["a very long token", `Bearer ${"x".repeat(4_000)}`],
  ])("%s is refused, and never shown", async (_what, header) => {
    const failure = await failureOf(rig.withHeader(header, listener).messages.sendMessages(REQUEST));
    expect(failure).toMatchObject({ code: Code.Unauthenticated, reason: "CREDENTIALS_UNKNOWN" });
    expect(failure.text).not.toContain(header.slice(-20));
  });

  test("who calls is asked before what is asked for", async () => {
    const failure = await failureOf(rig.as(undefined, listener).messages.sendMessages({ messages: [] }));
    expect(failure.reason).toBe("CREDENTIALS_MISSING");
    const scope = await failureOf(rig.as("reader", listener).messages.sendMessages({ messages: [] }));
    expect(scope.reason).toBe("SCOPE_MISSING");
    const rule = await failureOf(rig.as("shop", listener).messages.sendMessages({ messages: [] }));
    expect(rule.reason).toBe("REQUEST_INVALID");
  });

  test("a caller without the scope is refused, on streams too; admin is not", async () => {
    const { messages, events } = rig.as("reader", listener);
    expect(await failureOf(messages.sendMessages(REQUEST))).toMatchObject({
      code: Code.PermissionDenied,
      reason: "SCOPE_MISSING",
      outcome: "NOT_SENT",
    });
    const stream = rig.as("shop", listener).events.watchEvents({})[Symbol.asyncIterator]();
    expect((await failureOf(stream.next())).reason).toBe("SCOPE_MISSING");
    const bidi = rig.as("reader", listener).messages.streamMessages(openFrame())[Symbol.asyncIterator]();
    expect((await failureOf(bidi.next())).reason).toBe("SCOPE_MISSING");
    expect(await events.getEventLog({})).toBeDefined();
    expect(await rig.as("ops", listener).events.getEventLog({})).toBeDefined();
    expect((await rig.as("ops", listener).messages.sendMessages(REQUEST)).results).toHaveLength(1);
  });
});

describe("a change of the callers file", () => {
  test("counts at once: tokens are replaced without a gap, and callers are shut out", async () => {
    await using rig = await startCallersRig([
      { name: "shop", scopes: ["send"], token_sha256: [tokenHash(tokenFor("old"))] },
      { name: "gone", scopes: ["send"] },
    ]);
    const send = (token: string) => rig.as(token).messages.sendMessages(REQUEST);
    await send("old");
    await send("gone");
    expect((await failureOf(send("new"))).reason).toBe("CREDENTIALS_UNKNOWN");
    const both = [tokenHash(tokenFor("old")), tokenHash(tokenFor("new"))];
    await rig.replace([{ name: "shop", scopes: ["send"], token_sha256: both }]);
    await send("old");
    await send("new");
    expect((await failureOf(send("gone"))).reason).toBe("CREDENTIALS_UNKNOWN");
    await rig.replace([{ name: "shop", scopes: ["send"], token_sha256: [tokenHash(tokenFor("new"))] }]);
    await send("new");
    expect((await failureOf(send("old"))).reason).toBe("CREDENTIALS_UNKNOWN");
  });

  test("that cannot be used leaves the callers as they were", async () => {
    await using rig = await startCallersRig([{ name: "shop", scopes: ["send"] }]);
    await rig.replace([{ name: "shop", scopes: ["everything"] }]);
    expect((await rig.as("shop").messages.sendMessages(REQUEST)).results).toHaveLength(1);
  });
});

test("a service does not start with a callers file that cannot be used", async () => {
  const start = startCallersRig([{ name: "shop", scopes: ["send"], token_sha256: ["0123"] }]);
  await expect(start).rejects.toThrow(
    'auth.callers_file: caller "shop", token_sha256[0]: must be the SHA-256 of a token, 64 hexadecimal digits; `infobip-rpc token hash` makes it',
  );
});

test("without a callers file everyone is served", async () => {
  await using rig = await startCallersRig([], { flags: { "--auth-callers-file": "" } });
  expect((await rig.as(undefined).messages.sendMessages(REQUEST)).results).toHaveLength(1);
  expect((await rig.as("anyone").messages.sendMessages(REQUEST)).results).toHaveLength(1);
});

test("the file of these tests holds no token", () => {
  expect(callersYaml(CALLERS)).not.toContain(tokenFor("shop"));
});

async function* openFrame() {
  yield { frame: { case: "open", value: {} } } as const;
}
