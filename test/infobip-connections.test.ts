import { Code } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { ACCEPTED, clientOf, errorOf, httpAnswer, startUpstream } from "./infobip-scripted-upstream.ts";

const NEVER = new AbortController().signal;

test("connections are kept and used again, and the headers are Infobip's", async () => {
  await using upstream = await startUpstream(
    (_request, socket) => void socket.write(httpAnswer(200, ACCEPTED)),
  );
  await using client = clientOf(`${upstream.url}/some/prefix//`);
  await client.sendMessages('{"messages":[]}', { signal: NEVER });
  const response = await client.sendEvents('{"events":[]}', { signal: NEVER });
  expect(response.messages[0]?.messageId).toBe("m-1");
  expect(upstream.connections()).toBe(1);
  expect(upstream.requests.map(({ path, body }) => [path, body])).toEqual([
    ["/some/prefix/messages-api/1/messages", '{"messages":[]}'],
    ["/some/prefix/messages-api/1/events", '{"events":[]}'],
  ]);
  expect(upstream.requests[0]?.headers).toMatchObject({
    authorization: expect.stringMatching(/^App /),
    "content-type": "application/json",
    accept: "application/json",
    "user-agent": expect.stringMatching(/^infobip-rpc\/\d+\.\d+\.\d+/),
  });
});

test("a request written to a kept connection that the server then closes is never repeated", async () => {
  await using upstream = await startUpstream((_request, socket, index) => {
    if (index === 0) socket.write(httpAnswer(200, ACCEPTED));
    else socket.resetAndDestroy();
  });
  await using client = clientOf(upstream.url, { connections: 1 });
  await client.sendMessages("first", { signal: NEVER });
  const error = await errorOf(client.sendMessages("second", { signal: NEVER, messageIds: ["m-2"] }));
  expect(error).toMatchObject({
    code: Code.Unknown,
    reason: "SEND_OUTCOME_UNKNOWN",
    metadata: { outcome: "UNKNOWN", message_ids: "m-2" },
  });
  const third = await errorOf(client.sendMessages("third", { signal: NEVER }));
  expect(third.reason).toBe("SEND_OUTCOME_UNKNOWN");
  expect(upstream.requests.map((request) => request.body)).toEqual(["first", "second", "third"]);
});

test("calls one after the other share one connection, however soon they follow", async () => {
  await using upstream = await startUpstream(
    (_request, socket) => void socket.write(httpAnswer(200, ACCEPTED)),
  );
  await using client = clientOf(upstream.url, { connections: 8 });
  for (let count = 0; count < 50; count++) await client.sendMessages("{}", { signal: NEVER });
  expect(upstream.connections()).toBe(1);
  await Promise.all(Array.from({ length: 200 }, () => client.sendMessages("{}", { signal: NEVER })));
  expect(upstream.connections()).toBe(8);
});

test("informational answers are passed over and letters outside ASCII go out as UTF-8", async () => {
  await using upstream = await startUpstream((_request, socket) => {
    socket.write("HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n");
    socket.write(httpAnswer(200, ACCEPTED));
  });
  await using client = clientOf(upstream.url);
  await expect(client.sendMessages('{"text":"Žuta ćuprija 🌉"}', { signal: NEVER })).resolves.toMatchObject({
    bulkId: "bulk",
  });
  expect(upstream.requests[0]?.body).toBe('{"text":"Žuta ćuprija 🌉"}');
});

test("no more connections are opened than allowed", async () => {
  await using upstream = await startUpstream(
    (_request, socket) => void socket.write(httpAnswer(200, ACCEPTED)),
  );
  await using client = clientOf(upstream.url, { connections: 3, maxQueued: 100 });
  await Promise.all(Array.from({ length: 60 }, () => client.sendMessages("{}", { signal: NEVER })));
  expect(upstream.requests).toHaveLength(60);
  expect(upstream.connections()).toBeLessThanOrEqual(3);
});
