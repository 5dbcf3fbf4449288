import { expect, test } from "vitest";
import { ACCEPTED, clientOf, errorOf, httpAnswer, startUpstream } from "./infobip-scripted-upstream.ts";

const call = () => ({ signal: new AbortController().signal });

test.each([
  ["102 Processing", "HTTP/1.1 102 Processing\r\n\r\n"],
  ["103 Early Hints", "HTTP/1.1 103 Early Hints\r\nlink: </a>; rel=preload\r\n\r\n"],
])("%s before the answer is no answer", async (_title, interim) => {
  await using upstream = await startUpstream((_request, socket) => {
    socket.write(interim + httpAnswer(200, ACCEPTED));
  });
  await using client = clientOf(upstream.url);
  await expect(client.sendMessages("{}", call())).resolves.toMatchObject({ bulkId: "bulk" });
});

test("a 100 Continue that nobody asked for ends the connection, and the outcome is unknown", async () => {
  await using upstream = await startUpstream((_request, socket) => {
    socket.write(`HTTP/1.1 100 Continue\r\n\r\n${httpAnswer(200, ACCEPTED)}`);
  });
  await using client = clientOf(upstream.url);
  const error = await errorOf(client.sendMessages("{}", call()));
  expect(error).toMatchObject({ reason: "SEND_OUTCOME_UNKNOWN", metadata: { outcome: "UNKNOWN" } });
});
