import { expect, test } from "vitest";
import { API_KEY, clientOf, errorOf, httpAnswer, startUpstream } from "./infobip-scripted-upstream.ts";

const options = { signal: new AbortController().signal, limit: 500 };
const PAGE = '{ "results" : [ {"messageId":"a"} ],"unknown":1 }';

async function answering(answer: string, clientOptions = {}) {
  const upstream = await startUpstream((_request, socket) => socket.write(answer));
  const client = clientOf(upstream.url, clientOptions);
  return {
    upstream,
    client,
    async [Symbol.asyncDispose]() {
      await client[Symbol.asyncDispose]();
      await upstream[Symbol.asyncDispose]();
    },
  };
}

test("a fetch is a GET with the limit, signed like every call, and gives the bytes as they came", async () => {
  await using rig = await answering(httpAnswer(200, PAGE));

  const reports = await rig.client.fetchReports(options);
  const inbound = await rig.client.fetchInbound("VIBER_BM", { ...options, limit: 7 });

  expect(Buffer.from(reports).toString()).toBe(PAGE);
  expect(Buffer.from(inbound).toString()).toBe(PAGE);
  expect(rig.upstream.requests.map(({ path, body }) => [path, body])).toEqual([
    ["/messages-api/1/reports?limit=500", ""],
    ["/messages-api/1/inbound?channel=VIBER_BM&limit=7", ""],
  ]);
  const [first] = rig.upstream.requests;
  expect(first?.headers).toMatchObject({ authorization: `App ${API_KEY}`, accept: "application/json" });
  expect(first?.headers["content-type"]).toBeUndefined();
});

test.each([
  [400, "UPSTREAM_REJECTED"],
  [401, "UPSTREAM_CREDENTIALS_REJECTED"],
  [403, "UPSTREAM_FORBIDDEN"],
  [404, "UPSTREAM_FAILED"],
  [429, "UPSTREAM_RATE_LIMITED"],
  [500, "UPSTREAM_FAILED"],
  [502, "UPSTREAM_FAILED"],
  [503, "UPSTREAM_FAILED"],
  [504, "UPSTREAM_FAILED"],
])("status %i is %s, and nothing is repeated", async (status, reason) => {
  await using rig = await answering(httpAnswer(status, "{}"));

  const error = await errorOf(rig.client.fetchReports(options));

  expect(error.reason).toBe(reason);
  // A fetch sends no message, so nothing may be said about one.
  expect(error.metadata).toEqual({ http_status: String(status) });
  expect(rig.upstream.requests).toHaveLength(1);
});

test("Retry-After of a 429 is passed on", async () => {
  await using rig = await answering(httpAnswer(429, "", { "retry-after": "17" }));
  expect((await errorOf(rig.client.fetchReports(options))).retryDelayMs).toBe(17_000);
});

test.each([
  ["no JSON", "<html>sign in</html>"],
  ["nothing", ""],
  ["a list", "[]"],
  ["no results", '{"ok":true}'],
  ["results that are no list", '{"results":{}}'],
])("200 with %s is no page", async (_title, body) => {
  await using rig = await answering(httpAnswer(200, body));
  expect(await errorOf(rig.client.fetchReports(options))).toMatchObject({
    reason: "UPSTREAM_FAILED",
    metadata: { fault: "ANSWER_NOT_READABLE" },
  });
});

test("an answer over the limit is broken off", async () => {
  await using rig = await answering(httpAnswer(200, JSON.stringify({ results: ["x".repeat(5_000)] })), {
    maxResponseBytes: 4_096,
  });
  expect(await errorOf(rig.client.fetchReports(options))).toMatchObject({
    reason: "UPSTREAM_FAILED",
    metadata: { fault: "RESPONSE_TOO_LARGE" },
  });
});

test("a fetch whose connection breaks after it left is not repeated", async () => {
  await using upstream = await startUpstream((_request, socket) => socket.destroy());
  await using client = clientOf(upstream.url);

  const error = await errorOf(client.fetchReports(options));

  expect(error.reason).toBe("UPSTREAM_FAILED");
  expect(error.message).toMatch(/may be lost/);
  expect(upstream.requests).toHaveLength(1);
});
