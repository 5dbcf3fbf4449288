import { once } from "node:events";
import { connect } from "node:http2";
import { create, fromBinary, type MessageShape, toBinary } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  type SendMessagesRequest,
  SendMessagesRequestSchema,
  SendMessagesResponseSchema,
} from "../gen/infobip/messages/v1/send_messages_pb.js";
import {
  type StreamMessagesRequest,
  StreamMessagesRequestSchema,
  type StreamMessagesResponse,
  StreamMessagesResponseSchema,
} from "../gen/infobip/messages/v1/stream_messages_pb.js";
import type { SendCall } from "../src/messages/send-call.ts";
import { createStreamMessages } from "../src/messages/stream-messages.ts";
import { Feed } from "./fixtures/feed.ts";
import { type CallOptions, CLIENTS, failure, type TestClient } from "./server-clients.ts";
import { aborted, Rig, validRequest } from "./server-rig.ts";
import { describeResult, openFrame, sendFrame } from "./stream-messages-harness.ts";

const HTTP2 = CLIENTS.filter(([name]) => !name.endsWith("HTTP/1.1"));
const METHOD = "infobip.messages.v1.MessagesService/StreamMessages";

let rig: Rig;
let draining: AbortController;
let send: SendCall;
/** Sends that were begun. */
let begun: SendMessagesRequest[];

const answerAtOnce: SendCall = async (request) =>
  create(SendMessagesResponseSchema, { bulkId: `bulk-${senderOf(request)}` });

beforeEach(async () => {
  draining = new AbortController();
  begun = [];
  send = answerAtOnce;
  const streamMessages = createStreamMessages({
    send: (request, options) => {
      begun.push(request);
      return send(request, options);
    },
    maxFrameBytes: 4 * 1024 * 1024,
    maxDestinations: 10_000,
    draining: draining.signal,
    drainStopTime: () => Date.now() + 10_000,
    errors: { newErrorId: () => "error-id-1" },
  });
  rig = await Rig.start({ messages: { streamMessages } });
});
afterEach(async () => {
  await rig[Symbol.asyncDispose]();
});

function senderOf({ messages }: SendMessagesRequest): string {
  const kind = messages[0]?.kind;
  return kind?.case === "message" ? (kind.value.sender ?? "") : "";
}

/** One stream, opened. */
class Stream {
  readonly requests = new Feed<StreamMessagesRequest>();
  readonly #answers: AsyncIterator<StreamMessagesResponse>;

  constructor(client: TestClient, options: CallOptions = {}, maxInFlight?: number) {
    this.requests.push(openFrame({ clientId: "tests", maxInFlight }));
    this.#answers = client.streamMessages(this.requests, options)[Symbol.asyncIterator]();
  }

  async next(): Promise<StreamMessagesResponse["frame"] | undefined> {
    const { done, value } = await this.#answers.next();
    return done ? undefined : value.frame;
  }

  /** Results in few words, at least this many. */
  async results(count: number): Promise<string[]> {
    const seen: string[] = [];
    while (seen.length < count) {
      const frame = await this.next();
      if (frame === undefined) throw new Error(`the stream ended after ${seen.length} results`);
      if (frame.case === "results") seen.push(...frame.value.results.map(describeResult));
    }
    return seen;
  }
}

describe.each(HTTP2)("%s", (_name, makeClient) => {
  let client: TestClient;
  beforeEach(() => {
    client = makeClient(rig);
  });
  afterEach(() => client[Symbol.dispose]());

  it("opens, answers each of many sends once, and ends well when the client closes its side", async () => {
    const stream = new Stream(client);
    expect(await stream.next()).toMatchObject({ case: "opened", value: { credits: 1_000 } });
    const refs = Array.from({ length: 900 }, (_, n) => `${n}`);
    stream.requests.push(...refs.map((ref) => sendFrame(ref))).end();
    expect(await stream.results(refs.length)).toEqual(refs.map((ref) => `${ref}: bulk-${ref}`));
    expect(await stream.next()).toBeUndefined();
    await expect.poll(() => rig.reports).toMatchObject([{ method: METHOD, code: undefined }]);
  });

  it("answers before the next is sent, without credits to spare", async () => {
    const stream = new Stream(client, {}, 1);
    for (let n = 0; n < 5; n++) {
      stream.requests.push(sendFrame(`${n}`));
      expect(await stream.results(1)).toEqual([`${n}: bulk-${n}`]);
    }
    expect(begun).toHaveLength(5);
  });

  it("goes on after a request that breaks a rule", async () => {
    const stream = new Stream(client);
    const broken = create(SendMessagesRequestSchema, { requestId: "not valid" });
    stream.requests.push(sendFrame("broken", undefined, broken), sendFrame("good"));
    expect(await stream.results(2)).toEqual([`broken: error ${Code.InvalidArgument}`, "good: bulk-good"]);
  });

  it("ends with the field of a frame that breaks a rule", async () => {
    const stream = new Stream(client);
    await stream.next();
    stream.requests.push(sendFrame("a", 3_601_000));
    const error = await failure(stream.next());
    expect(error).toMatchObject({ code: "InvalidArgument", info: { reason: "REQUEST_INVALID" } });
    expect(error.badRequest?.fieldViolations).toMatchObject([{ field: "send.timeout" }]);
    expect(begun).toEqual([]);
  });

  it("refuses a stream that begins with a send", async () => {
    const requests = new Feed<StreamMessagesRequest>().push(sendFrame("a"));
    const error = await failure(client.streamMessages(requests)[Symbol.asyncIterator]().next());
    expect(error.badRequest?.fieldViolations).toMatchObject([{ field: "open" }]);
  });

  it("cancels what is under way when the client cancels", async () => {
    const ends: Promise<unknown>[] = [];
    send = async (_request, { signal }) => {
      const end = aborted(signal);
      ends.push(end);
      throw await end;
    };
    const controller = new AbortController();
    const stream = new Stream(client, { signal: controller.signal });
    await stream.next();
    stream.requests.push(sendFrame("a"), sendFrame("b"));
    await expect.poll(() => ends.length).toBe(2);
    const next = failure(stream.next());
    controller.abort();
    expect((await next).code).toBe("Canceled");
    await Promise.all(ends);
    await expect.poll(() => rig.reports).toMatchObject([{ method: METHOD, reason: "CANCELLED" }]);
  });

  it("says that it drains, refuses further sends and lets the client end the stream", async () => {
    const stream = new Stream(client);
    await stream.next();
    draining.abort();
    expect(await stream.next()).toMatchObject({ case: "draining" });
    stream.requests.push(sendFrame("late")).end();
    expect(await stream.results(1)).toEqual([`late: error ${Code.Unavailable}`]);
    expect(await stream.next()).toBeUndefined();
    expect(begun).toEqual([]);
  });
});

it.each([
  ["gRPC", () => rig.grpcAddress],
  ["HTTP", () => rig.httpAddress],
])(
  "the %s listener takes no more sends of a client that does not read than it has credits, and what is on its way",
  async (_name, address) => {
    const bulkId = "x".repeat(1_000);
    send = async () => create(SendMessagesResponseSchema, { bulkId });
    const session = connect(`http://${address()}`);
    const stream = session.request({
      ":method": "POST",
      ":path": `/${METHOD}`,
      "content-type": "application/grpc",
      te: "trailers",
    });
    const total = 20_000;
    stream.write(envelope(StreamMessagesRequestSchema, openFrame({ maxInFlight: 100 })));
    await once(stream, "response");
    const frame = sendFrame("ref", undefined, validRequest());
    const bytes = envelope(StreamMessagesRequestSchema, frame);
    stream.end(Buffer.concat(Array.from({ length: total }, () => bytes)));
    await settled(() => begun.length);
    // 20 MB of results: the client's window, the sockets and 256 KiB take some, the service holds 100.
    expect(begun.length).toBeLessThan(total / 4);
    const results = new ResultCounter();
    stream.on("data", (chunk: Buffer) => results.push(chunk));
    await once(stream, "end");
    expect(results.count).toBe(total);
    session.close();
  },
  30_000,
);

function envelope<D extends typeof StreamMessagesRequestSchema>(schema: D, message: MessageShape<D>): Buffer {
  const bytes = toBinary(schema, message);
  const head = Buffer.alloc(5);
  head.writeUInt32BE(bytes.byteLength, 1);
  return Buffer.concat([head, bytes]);
}

/** Counts the results in gRPC messages that come in pieces. */
class ResultCounter {
  #rest = Buffer.alloc(0);
  count = 0;

  push(chunk: Buffer): void {
    let left = Buffer.concat([this.#rest, chunk]);
    while (left.length >= 5 && left.length >= 5 + left.readUInt32BE(1)) {
      const end = 5 + left.readUInt32BE(1);
      const { frame } = fromBinary(StreamMessagesResponseSchema, left.subarray(5, end));
      if (frame.case === "results") this.count += frame.value.results.length;
      left = left.subarray(end);
    }
    this.#rest = Buffer.from(left);
  }
}

/** Resolves once a value has stayed the same over many turns of the event loop, in which every socket was served. */
async function settled(read: () => number): Promise<void> {
  for (let before = -1, quiet = 0; quiet < 500; quiet = read() === before ? quiet + 1 : 0) {
    before = read();
    await new Promise((resolve) => setImmediate(resolve));
  }
}
