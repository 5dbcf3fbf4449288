import { once } from "node:events";
import { constants, createServer, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { createClient } from "../src/client/create-client.ts";

/** A server that refuses so many calls before it looks at them, and answers the others with an empty message. */
async function refusingServer(refusals: number) {
  const sessions = new Set<ServerHttp2Session>();
  let calls = 0;
  const server = createServer();
  server.on("session", (session) => sessions.add(session));
  server.on("stream", (stream: ServerHttp2Stream) => {
    stream.on("error", () => {});
    if (++calls <= refusals) return stream.close(constants.NGHTTP2_REFUSED_STREAM);
    stream.respond({ ":status": 200, "content-type": "application/proto" });
    stream.end();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls: () => calls,
    async [Symbol.asyncDispose]() {
      for (const session of sessions) session.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

test("a call that was refused unseen is made again", async () => {
  await using server = await refusingServer(2);
  const client = createClient({ transport: "connect", baseUrl: server.baseUrl });
  try {
    expect((await client.sendMessages({ messages: [] })).results).toEqual([]);
    expect(server.calls()).toBe(3);
  } finally {
    await client.close();
  }
});

test("a call that is refused again and again ends, and says that nothing was sent", async () => {
  await using server = await refusingServer(Number.POSITIVE_INFINITY);
  const client = createClient({ transport: "connect", baseUrl: server.baseUrl });
  try {
    await expect(client.sendMessages({ messages: [] })).rejects.toMatchObject({
      code: "UNAVAILABLE",
      outcome: "NOT_SENT",
    });
    expect(server.calls()).toBe(3);
  } finally {
    await client.close();
  }
});
