import { afterAll, beforeAll, expect, test } from "vitest";
import { type CallersRig, startCallersRig, tokenFor } from "./callers-rig.ts";

const PATH = "/infobip.messages.v1.MessagesService/SendMessages";

let rig: CallersRig;
beforeAll(async () => {
  rig = await startCallersRig([{ name: "shop", scopes: ["send"] }]);
});
afterAll(() => rig[Symbol.asyncDispose]());

async function post(body: string, headers: Record<string, string>) {
  const response = await fetch(`http://${rig.addresses.http}${PATH}`, { method: "POST", body, headers });
  return { status: response.status, text: await response.text() };
}

test.each([
  ["no JSON", "{", "application/json"],
  ["a field that is none", '{"nothing": 1}', "application/json"],
  ["bytes that are no message", "\xff\xff", "application/proto"],
])("a stranger who sends %s learns only that credentials are missing", async (_what, body, type) => {
  const { status, text } = await post(body, { "content-type": type });
  expect(status).toBe(401);
  expect(text).toContain("authorization: Bearer");
  expect(text).not.toMatch(/JSON|field/);
});

test("a caller who sends no JSON is told so", async () => {
  const { status, text } = await post("{", {
    "content-type": "application/json",
    authorization: `Bearer ${tokenFor("shop")}`,
  });
  expect(status).toBe(400);
  expect(text).toContain("JSON");
});
