import { create, fromBinary, type MessageInitShape } from "@bufbuild/protobuf";
import {
  type SendMessagesRequest,
  type SendMessagesResponse,
  SendMessagesResponseSchema,
} from "../gen/infobip/messages/v1/send_messages_pb.js";
import {
  type StreamMessagesRequest,
  StreamMessagesRequestSchema,
  type StreamMessagesResponse,
  StreamMessagesResponseSchema,
  type StreamOpenSchema,
  type StreamResult,
} from "../gen/infobip/messages/v1/stream_messages_pb.js";
import type { SendCall, SendCallOptions } from "../src/messages/send-call.ts";
import { createStreamMessages, type StreamMessagesOptions } from "../src/messages/stream-messages.ts";
import type { StreamSendReport } from "../src/messages/stream-sends.ts";
import type { CallContext } from "../src/rpc/call-context.ts";
import { plainCall } from "./fixtures/call-context.ts";
import { Feed } from "./fixtures/feed.ts";
import { ManualTimer } from "./fixtures/manual-timer.ts";
import { validRequest } from "./server-rig.ts";

type Frame = StreamMessagesResponse["frame"];
type FrameOf<C extends Frame["case"]> = Extract<Frame, { case: C }>["value"];

/** One call of SendCall, which a test answers. */
export interface OpenCall extends SendCallOptions {
  readonly request: SendMessagesRequest;
  readonly answer: (bulkId?: string) => void;
  readonly fail: (error: unknown) => void;
}

/** A frame with a send; the sender of its message is its ref, and the fakes answer with that as bulk id. */
export function sendFrame(
  clientRef: string,
  timeoutMs?: number,
  request: SendMessagesRequest | undefined = validRequest(clientRef),
): StreamMessagesRequest {
  const timeout =
    timeoutMs === undefined
      ? undefined
      : { seconds: BigInt(Math.floor(timeoutMs / 1000)), nanos: (timeoutMs % 1000) * 1e6 };
  return create(StreamMessagesRequestSchema, {
    frame: { case: "send", value: { clientRef, request, timeout } },
  });
}

export function openFrame(init: MessageInitShape<typeof StreamOpenSchema> = {}): StreamMessagesRequest {
  return create(StreamMessagesRequestSchema, { frame: { case: "open", value: init } });
}

/** What a send came to, in few words: its ref, and the bulk id or the reason. */
export function describeResult({ clientRef, outcome }: StreamResult): string {
  if (outcome.case === "response") return `${clientRef}: ${outcome.value.bulkId}`;
  return `${clientRef}: error ${outcome.value?.code}`;
}

/** StreamMessages over a scripted SendCall, with time that stands still. */
export class StreamHarness {
  readonly timer = new ManualTimer();
  readonly draining = new AbortController();
  readonly calls: OpenCall[] = [];
  readonly reports: StreamSendReport[] = [];
  readonly internalErrors: unknown[] = [];
  drainStopMs = this.timer.wallClock() + 20_000;
  /** Takes the place of the scripted calls. */
  send: SendCall | undefined;
  readonly method: ReturnType<typeof createStreamMessages>;

  constructor(options: Partial<StreamMessagesOptions> = {}) {
    this.method = createStreamMessages({
      send: (request, call) => (this.send ?? this.#script)(request, call),
      maxFrameBytes: 4096,
      maxDestinations: 10,
      draining: this.draining.signal,
      drainStopTime: () => this.drainStopMs,
      errors: {
        newErrorId: () => "error-id-1",
        onInternalError: (error) => this.internalErrors.push(error),
      },
      onSend: (report) => this.reports.push(report),
      now: this.timer.wallClock,
      timer: this.timer,
      ...options,
    });
  }

  readonly #script: SendCall = (request, options) => {
    const { promise, resolve, reject } = Promise.withResolvers<SendMessagesResponse>();
    const kind = request.messages[0]?.kind;
    const sender = kind?.case === "message" ? kind.value.sender : undefined;
    this.calls.push({
      request,
      ...options,
      answer: (bulkId = sender ?? "") => resolve(create(SendMessagesResponseSchema, { bulkId })),
      fail: reject,
    });
    return promise;
  };

  /** The open call whose message has this sender. */
  call(sender: string): OpenCall {
    const found = this.calls.find(({ request }) => {
      const kind = request.messages[0]?.kind;
      return kind?.case === "message" && kind.value.sender === sender;
    });
    if (found === undefined) throw new Error(`${sender} was not sent`);
    return found;
  }

  /** Resolves once so many sends were begun. */
  async begun(count: number): Promise<void> {
    for (let turns = 0; this.calls.length < count; turns++) {
      if (turns > 1_000) throw new Error(`only ${this.calls.length} sends were begun`);
      await turn();
    }
  }

  /** A stream that has sent its open frame and got `opened`. */
  async open(init: MessageInitShape<typeof StreamOpenSchema> = {}): Promise<StreamClient> {
    const client = new StreamClient(this);
    client.requests.push(openFrame(init));
    await client.expect("opened");
    return client;
  }
}

/** One turn of the event loop. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** So many turns that whatever can happen has happened. */
export async function settle(): Promise<void> {
  for (let turns = 0; turns < 50; turns++) await turn();
}

/** The client's end of one stream. */
export class StreamClient {
  readonly requests = new Feed<StreamMessagesRequest>();
  readonly call = new AbortController();
  timeoutMs: number | undefined;
  readonly #frames: AsyncIterator<Uint8Array>;

  constructor(harness: StreamHarness, requests?: AsyncIterable<StreamMessagesRequest>) {
    const context: CallContext = { ...plainCall(this.call.signal), timeoutMs: () => this.timeoutMs };
    this.#frames = harness.method(requests ?? this.requests, context)[Symbol.asyncIterator]();
  }

  send(...refs: string[]): void {
    for (const ref of refs) this.requests.push(sendFrame(ref));
  }

  /** The next frame; undefined at a clean end. */
  async next(): Promise<Frame | undefined> {
    const { done, value } = await this.#frames.next();
    return done ? undefined : fromBinary(StreamMessagesResponseSchema, value).frame;
  }

  /** The next frame, which must be of this kind. */
  async expect<C extends NonNullable<Frame["case"]>>(kind: C): Promise<NonNullable<FrameOf<C>>> {
    const frame = await this.next();
    if (frame?.case !== kind) throw new Error(`expected ${kind}, got ${frame?.case}`);
    return frame.value as NonNullable<FrameOf<C>>;
  }

  /** The results of the next frame, in few words. */
  async results(): Promise<string[]> {
    return (await this.expect("results")).results.map(describeResult);
  }

  /** The only result of the next frame, which must be an error. */
  async error() {
    const { results } = await this.expect("results");
    const [result] = results;
    if (results.length !== 1 || result?.outcome.case !== "error") throw new Error("expected one error");
    return { clientRef: result.clientRef, status: result.outcome.value };
  }

  /** What a server does with a stream whose client has gone. */
  async leave(): Promise<void> {
    await this.#frames.return?.();
  }
}
