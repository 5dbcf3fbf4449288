import { Code } from "@connectrpc/connect";
import { expect, test } from "vitest";
import type { InfobipClientOptions } from "../src/infobip/client-options.ts";
import { clientOf, errorOf, httpAnswer, startUpstream } from "./infobip-scripted-upstream.ts";

async function upstreamSaying(text: string) {
  return await startUpstream(
    (_request, socket) => void (text === "" ? socket.resetAndDestroy() : socket.write(text)),
  );
}

async function failure(text: string, options: Partial<InfobipClientOptions> = {}) {
  await using upstream = await upstreamSaying(text);
  await using client = clientOf(upstream.url, options);
  return await errorOf(
    client.validateMessages("{}", { signal: new AbortController().signal, messageIds: ["m-1"] }),
  );
}

test("200 is valid, with what would be ignored", async () => {
  const body = {
    description: "Fine.",
    action: "Send.",
    skippableViolations: [{ property: "x", violation: "Unknown property" }],
  };
  await using upstream = await upstreamSaying(httpAnswer(200, JSON.stringify(body)));
  await using client = clientOf(upstream.url);
  const answer = await client.validateMessages('{"a":1}', { signal: new AbortController().signal });
  expect(answer.valid).toBe(true);
  expect(answer.response).toMatchObject({ description: "Fine.", skippableViolations: [{ property: "x" }] });
  expect(upstream.requests).toMatchObject([{ path: "/messages-api/1/messages/validate", body: '{"a":1}' }]);
});

test("400 without an error code is an answer, not an error", async () => {
  const body = {
    description: "No.",
    action: "Mend.",
    violations: [{ property: "messages", violation: "must not be empty" }],
  };
  await using upstream = await upstreamSaying(httpAnswer(400, JSON.stringify(body)));
  await using client = clientOf(upstream.url);
  const answer = await client.validateMessages("{}", { signal: new AbortController().signal });
  expect(answer.valid).toBe(false);
  expect(answer.response).toMatchObject({
    description: "No.",
    violations: [{ property: "messages", violation: "must not be empty" }],
  });
});

test.each([
  [
    "400 with a page",
    httpAnswer(400, "<html>"),
    Code.InvalidArgument,
    "UPSTREAM_REJECTED",
    { http_status: "400" },
  ],
  ["401", httpAnswer(401), Code.Unauthenticated, "UPSTREAM_CREDENTIALS_REJECTED", { http_status: "401" }],
  ["429", httpAnswer(429), Code.ResourceExhausted, "UPSTREAM_RATE_LIMITED", { http_status: "429" }],
  ["500", httpAnswer(500), Code.Internal, "UPSTREAM_FAILED", { http_status: "500" }],
  ["502", httpAnswer(502), Code.Unavailable, "UPSTREAM_FAILED", { http_status: "502" }],
  ["504", httpAnswer(504), Code.Unavailable, "UPSTREAM_FAILED", { http_status: "504" }],
  ["a reset", "", Code.Unavailable, "UPSTREAM_FAILED", { fault: "ECONNRESET" }],
  [
    "200 with a page",
    httpAnswer(200, "<html>"),
    Code.Unavailable,
    "UPSTREAM_FAILED",
    { http_status: "200", fault: "ANSWER_NOT_READABLE" },
  ],
])(
  "%s leaves no outcome open, since validating sends nothing",
  async (_title, text, code, reason, metadata) => {
    const error = await failure(text);
    expect(error).toMatchObject({ code, reason, metadata: { ...metadata, outcome: "NOT_SENT" } });
    expect(error.metadata).not.toHaveProperty("message_ids");
  },
);

test("the deadline is the caller's own", async () => {
  await using upstream = await startUpstream(() => {});
  await using client = clientOf(upstream.url);
  const error = await errorOf(
    client.validateMessages("{}", { signal: new AbortController().signal, timeoutMs: 30 }),
  );
  expect(error).toMatchObject({ code: Code.DeadlineExceeded, reason: "DEADLINE_EXCEEDED" });
});
