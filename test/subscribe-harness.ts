import { create, fromBinary, type MessageInitShape } from "@bufbuild/protobuf";
import {
  type SubscribeRequest,
  SubscribeRequestSchema,
  type SubscribeResponse,
  SubscribeResponseSchema,
  type SubscribeStartSchema,
} from "../gen/infobip/events/v1/subscribe_pb.js";
import { createSubscriptionMethods, type SubscriptionMethods } from "../src/events/subscription-methods.ts";
import type { CallContext } from "../src/rpc/call-context.ts";
import { plainCall } from "./fixtures/call-context.ts";
import { Feed } from "./fixtures/feed.ts";
import { MemoryEventLog } from "./fixtures/memory-event-log.ts";
import { type ScriptedSession, ScriptedSubscriptions } from "./fixtures/scripted-subscriptions.ts";
import { FakeTimer } from "./watch-harness.ts";

type FrameInit = NonNullable<MessageInitShape<typeof SubscribeRequestSchema>["frame"]>;
type FrameOf<C extends SubscribeResponse["frame"]["case"]> = Extract<
  SubscribeResponse["frame"],
  { case: C }
>["value"];

/** Name of the subscription that every harness has. */
export const NAME = "subscriptions/orders";

/** The subscription methods over a scripted engine, with time that stands still. */
export class SubscribeHarness {
  readonly log = new MemoryEventLog();
  readonly engine = new ScriptedSubscriptions();
  readonly timer = new FakeTimer();
  readonly draining = new AbortController();
  nowMs = 10_000;
  drainStopMs = 20_000;
  readonly methods: SubscriptionMethods = createSubscriptionMethods({
    log: this.log,
    engine: this.engine,
    draining: this.draining.signal,
    drainStopTime: () => this.drainStopMs,
    now: () => this.nowMs,
    timer: this.timer,
  });

  static async start(): Promise<SubscribeHarness> {
    const harness = new SubscribeHarness();
    await harness.engine.create(
      "orders",
      { filter: undefined, maxInFlight: 9, maxAttempts: 3, minBackoffMs: 1, maxBackoffMs: 2 },
      0,
    );
    return harness;
  }

  /** A stream that has sent its start frame. */
  subscribe(start: MessageInitShape<typeof SubscribeStartSchema> = {}) {
    const client = new SubscribeClient(this);
    client.send({ case: "start", value: { subscription: NAME, ...start } });
    return client;
  }
}

/** The client's end of one stream. */
export class SubscribeClient {
  readonly requests = new Feed<SubscribeRequest>();
  readonly call = new AbortController();
  timeoutMs: number | undefined;
  readonly #frames: AsyncIterator<Uint8Array>;
  readonly #harness: SubscribeHarness;

  constructor(harness: SubscribeHarness, requests?: AsyncIterable<SubscribeRequest>) {
    this.#harness = harness;
    const context: CallContext = { ...plainCall(this.call.signal), timeoutMs: () => this.timeoutMs };
    this.#frames = harness.methods.subscribe(requests ?? this.requests, context)[Symbol.asyncIterator]();
  }

  /** The stream's session, once it has begun. */
  get session(): ScriptedSession {
    const session = this.#harness.engine.sessions.at(-1);
    if (session === undefined) throw new Error("the stream has no session yet");
    return session;
  }

  send(...frames: FrameInit[]): void {
    for (const frame of frames) this.requests.push(create(SubscribeRequestSchema, { frame }));
  }

  /** The next frame; undefined at a clean end. */
  async next(): Promise<SubscribeResponse["frame"] | undefined> {
    const { done, value } = await this.#frames.next();
    return done ? undefined : fromBinary(SubscribeResponseSchema, value).frame;
  }

  /** The next frame, which must be of this kind. */
  async expect<C extends NonNullable<SubscribeResponse["frame"]["case"]>>(
    kind: C,
  ): Promise<NonNullable<FrameOf<C>>> {
    const frame = await this.next();
    if (frame?.case !== kind) throw new Error(`expected ${kind}, got ${frame?.case}`);
    return frame.value as NonNullable<FrameOf<C>>;
  }

  /** Reads the frames that every stream begins with. */
  async begin(): Promise<this> {
    await this.expect("started");
    await this.expect("progress");
    return this;
  }

  /** The next frame of this kind, whatever comes before it. */
  async until<C extends NonNullable<SubscribeResponse["frame"]["case"]>>(
    kind: C,
  ): Promise<NonNullable<FrameOf<C>>> {
    while (true) {
      const frame = await this.next();
      if (frame === undefined) throw new Error(`the stream ended before ${kind}`);
      if (frame.case === kind) return frame.value as NonNullable<FrameOf<C>>;
    }
  }

  /** What a server does with a stream whose client has gone. */
  async leave(): Promise<void> {
    await this.#frames.return?.();
  }
}
