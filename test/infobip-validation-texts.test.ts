import { Code } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import type { InfobipClientOptions } from "../src/infobip/client-options.ts";
import { MAX_LISTED_VIOLATIONS } from "../src/infobip/validation-answer.ts";
import { Secret } from "../src/secret.ts";
import {
  API_KEY,
  clientOf,
  errorOf,
  httpAnswer,
  type SeenRequest,
  startUpstream,
} from "./infobip-scripted-upstream.ts";

const WEBHOOK_SECRET = "hook/s3cret of the tests";
const WEBHOOK_URL = `https://in.example.com/v1/delivery/${encodeURIComponent(WEBHOOK_SECRET)}`;
const OPTIONS = { hiddenSecrets: [new Secret(WEBHOOK_SECRET)] };
const call = () => ({ signal: new AbortController().signal });

/** An upstream that repeats what it was sent, and a phone number, in every text. */
function echo({ headers, body }: SeenRequest, status: number): string {
  const text = `${headers.authorization} ${body} ${WEBHOOK_SECRET} +385 91 234 5678`;
  const violations = [{ property: `x.${text}`, violation: text }];
  const answer = { description: text, action: text, violations, skippableViolations: violations };
  return httpAnswer(status, JSON.stringify(answer));
}

async function validated(
  answer: (request: SeenRequest) => string,
  options: Partial<InfobipClientOptions> = OPTIONS,
) {
  await using upstream = await startUpstream((request, socket) => void socket.write(answer(request)));
  await using client = clientOf(upstream.url, options);
  return await client.validateMessages(JSON.stringify({ url: WEBHOOK_URL }), call());
}

describe.each([200, 400])("an answer with %i", (status) => {
  test("shows no credentials, webhook secret or phone number", async () => {
    const answer = await validated((request) => echo(request, status));
    const shown = JSON.stringify(answer);
    expect(answer.response.description).toContain("App [hidden]");
    expect(answer.response.description).toContain("https://in.example.com/v1/delivery/[hidden]");
    expect(answer.response.skippableViolations[0]?.violation).toContain("App [hidden]");
    for (const text of [API_KEY, WEBHOOK_SECRET, encodeURIComponent(WEBHOOK_SECRET), "234 5678"]) {
      expect(shown).not.toContain(text);
    }
  });

  test("has texts of bounded length", async () => {
    const long = "d".repeat(50_000);
    const violations = [{ property: long, violation: long }];
    const body = { description: long, action: long, violations, skippableViolations: violations };
    const answer = await validated(() => httpAnswer(status, JSON.stringify(body)));
    expect(answer.response.description).toHaveLength(300);
    expect(JSON.stringify(answer).length).toBeLessThan(3_000);
  });

  test("has lists of bounded length and says how much was cut", async () => {
    const list = (count: number) => Array.from({ length: count }, () => ({ property: "p", violation: "v" }));
    const body = { description: "d", action: "a", violations: list(103), skippableViolations: list(250) };
    const answer = await validated(() => httpAnswer(status, JSON.stringify(body)));
    expect(answer.response.skippableViolations).toHaveLength(MAX_LISTED_VIOLATIONS);
    expect(answer.leftOut).toEqual({ violations: status === 400 ? 3 : 0, skippableViolations: 150 });
  });
});

test("entries that are no violations keep their place and say nothing", async () => {
  const body = { violations: ["x", null, { property: 5, violation: "v" }] };
  const answer = await validated(() => httpAnswer(400, JSON.stringify(body)));
  expect(answer).toMatchObject({ valid: false, response: { violations: [{}, {}, { violation: "v" }] } });
  expect(answer).not.toHaveProperty("leftOut");
});

test.each([
  ["no texts", {}],
  ["no action", { description: "d" }],
  ["no description", { action: "a" }],
  ["texts of another kind", { description: 1, action: ["a"] }],
])("200 with %s is no verdict", async (_title, body) => {
  const error = await errorOf(validated(() => httpAnswer(200, JSON.stringify(body))));
  expect(error).toMatchObject({
    code: Code.Unavailable,
    reason: "UPSTREAM_FAILED",
    metadata: { outcome: "NOT_SENT", fault: "ANSWER_NOT_READABLE" },
  });
});

test("errors hide the further secrets too, also within mapped paths", async () => {
  await using upstream = await startUpstream((request, socket) => void socket.write(echo(request, 400)));
  await using client = clientOf(upstream.url, OPTIONS);
  const error = await errorOf(
    client.sendMessages(JSON.stringify({ url: WEBHOOK_URL }), {
      ...call(),
      fieldPath: (path) => `m.${path}`,
    }),
  );
  const shown = JSON.stringify([error.message, error.violations]);
  expect(error.message).toContain("/v1/delivery/[hidden]");
  expect(error.violations[0]?.field).toMatch(/^m\.x\.App \[hidden\]/);
  for (const text of [API_KEY, WEBHOOK_SECRET, encodeURIComponent(WEBHOOK_SECRET), "234 5678"]) {
    expect(shown).not.toContain(text);
  }
});
