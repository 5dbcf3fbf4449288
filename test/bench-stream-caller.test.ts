import { createServer, type Http2Server } from "node:http2";
import type { AddressInfo } from "node:net";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { afterEach, describe, expect, it } from "vitest";
import { openStreamCaller } from "../bench/send-stream-caller.ts";
import { MessagesService } from "../gen/infobip/messages/v1/messages_service_pb.js";
import { SendOutcome } from "../gen/infobip/messages/v1/send_messages_pb.js";
import type {
  StreamMessagesRequest,
  StreamMessagesResponseSchema,
  StreamSend,
} from "../gen/infobip/messages/v1/stream_messages_pb.js";

type Frame = MessageInitShape<typeof StreamMessagesResponseSchema>;
type Answer = (sends: StreamSend[]) => Frame | undefined;

const open: Http2Server[] = [];

afterEach(async () => {
  for (const server of open.splice(0)) await new Promise((resolve) => server.close(resolve));
});

/** A service whose stream grants `credits` and then says what `answer` makes of the sends so far. */
async function serve(credits: number, answer: Answer): Promise<string> {
  async function* streamMessages(requests: AsyncIterable<StreamMessagesRequest>): AsyncIterable<Frame> {
    const sends: StreamSend[] = [];
    for await (const { frame } of requests) {
      if (frame.case === "open") yield { frame: { case: "opened", value: { credits } } };
      if (frame.case !== "send") continue;
      sends.push(frame.value);
      const said = answer(sends);
      if (said !== undefined) yield said;
    }
  }
  const routes = connectNodeAdapter({
    routes: (router) => router.service(MessagesService, { streamMessages }),
  });
  const server = createServer(routes);
  open.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function sent({ clientRef, request }: StreamSend) {
  const kind = request?.messages[0]?.kind;
  const to = kind?.value?.destinations[0]?.kind;
  const destination = to?.case === "toDestination" ? to.value.to : undefined;
  const response = { results: [{ destination, outcome: SendOutcome.SENT, messageId: "m" }] };
  return { clientRef, outcome: { case: "response", value: response } } as const;
}

function results(
  ...list: Extract<Frame["frame"], { case: "results" }>["value"]["results"] & object[]
): Frame {
  return { frame: { case: "results", value: { results: list } } };
}

function target(address: string, requestIds = false) {
  return { protocol: "stream", address, connections: 1, requestIds } as const;
}

describe("the caller of StreamMessages", () => {
  it("settles each send by its own result, whatever their order", async () => {
    const address = await serve(3, (sends) =>
      sends.length === 3 ? results(...sends.map(sent).toReversed()) : undefined,
    );
    await using caller = await openStreamCaller(target(address), 3);
    const settled: number[] = [];
    await Promise.all([0, 1, 2].map((n) => caller.call().then(() => settled.push(n))));
    expect(settled).toEqual([2, 1, 0]);
  });

  it("gives each send a request id of its own when asked to", async () => {
    const ids: (string | undefined)[] = [];
    const address = await serve(1, (sends) => {
      const last = sends.at(-1) as StreamSend;
      ids.push(last.request?.requestId);
      return results(sent(last));
    });
    await using caller = await openStreamCaller(target(address, true), 1);
    await caller.call();
    await caller.call();
    expect(new Set(ids).size).toBe(2);
    expect(ids).not.toContain(undefined);
  });

  it("fails a send whose result is an error", async () => {
    const address = await serve(1, ([send]) =>
      results({ clientRef: send?.clientRef, outcome: { case: "error", value: { code: 8, message: "no" } } }),
    );
    await using caller = await openStreamCaller(target(address), 1);
    await expect(caller.call()).rejects.toThrow("a send failed: no");
  });

  it("does not begin with fewer credits than it needs", async () => {
    const address = await serve(3, () => undefined);
    await expect(openStreamCaller(target(address), 4)).rejects.toThrow("3 credits, 4 are needed");
  });
});
