import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create, fromBinary, type MessageInitShape } from "@bufbuild/protobuf";
import {
  type WatchEventsRequestSchema as RequestSchema,
  WatchEventsRequestSchema,
  type WatchEventsResponse,
  WatchEventsResponseSchema,
} from "../gen/infobip/events/v1/events_service_pb.js";
import { encodeCursor } from "../src/eventlog/cursor.ts";
import type { EmbeddedEventLog } from "../src/eventlog/embedded/embedded-log.ts";
import { openEmbeddedLog } from "../src/eventlog/embedded/open-embedded-log.ts";
import type { EventLog } from "../src/eventlog/event-log.ts";
import { createWatchEvents } from "../src/events/watch-events.ts";
import type { ClockTimer } from "../src/timer.ts";

/** A frame of the stream, decoded. */
export type Frame = WatchEventsResponse["frame"];
type FrameOf<C extends Frame["case"]> = Extract<Frame, { case: C }>["value"];

/** A timer that goes only when told to. */
export class FakeTimer implements ClockTimer {
  #now = 0;
  readonly #tasks = new Set<{ at: number; run: () => void }>();
  #scheduled = Promise.withResolvers<void>();

  /** Open tasks. */
  get size(): number {
    return this.#tasks.size;
  }

  readonly now = (): number => this.#now;

  readonly schedule = (delayMs: number, callback: () => void): (() => void) => {
    const task = { at: this.#now + delayMs, run: callback };
    this.#tasks.add(task);
    this.#scheduled.resolve();
    return () => this.#tasks.delete(task);
  };

  /** Resolves once something waits on this timer: a watcher that has nothing to do. */
  async idle(): Promise<void> {
    while (this.#tasks.size === 0) {
      this.#scheduled = Promise.withResolvers();
      await this.#scheduled.promise;
    }
  }

  advance(ms: number): void {
    this.#now += ms;
    for (const task of [...this.#tasks].filter(({ at }) => at <= this.#now)) {
      this.#tasks.delete(task);
      task.run();
    }
  }
}

/** The client's end of one stream. */
export class WatchClient {
  readonly #abort = new AbortController();
  readonly #iterator: AsyncIterator<Uint8Array>;
  readonly timer = new FakeTimer();

  constructor(harness: WatchHarness, request: MessageInitShape<typeof RequestSchema>) {
    const { log, draining } = harness;
    const watch = createWatchEvents({
      log,
      draining: draining.signal,
      drainStopTime: () => 123_000,
      now: () => harness.timeMs,
      timer: this.timer,
    });
    const frames = watch(create(WatchEventsRequestSchema, request), {
      signal: this.#abort.signal,
      timeoutMs: () => undefined,
      requestHeader: new Headers(),
      responseHeader: new Headers(),
      responseTrailer: new Headers(),
    });
    this.#iterator = frames[Symbol.asyncIterator]();
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** The next frame; undefined at a clean end. */
  async next(): Promise<Frame | undefined> {
    const { done, value } = await this.#iterator.next();
    return done ? undefined : fromBinary(WatchEventsResponseSchema, value).frame;
  }

  /** The next frame, which must be of this kind. */
  async expect<C extends NonNullable<Frame["case"]>>(kind: C): Promise<NonNullable<FrameOf<C>>> {
    const frame = await this.next();
    if (frame?.case !== kind) throw new Error(`expected ${kind}, got ${frame?.case}`);
    return frame.value as NonNullable<FrameOf<C>>;
  }

  /** Message ids of the next frame, which must hold events. */
  async ids(): Promise<(string | undefined)[]> {
    return (await this.expect("events")).events.map((event) => event.messageId);
  }

  abort(reason?: unknown): void {
    this.#abort.abort(reason);
  }

  /** What a server does with a stream whose client has gone. */
  async leave(): Promise<void> {
    await this.#iterator.return?.();
  }
}

/** A log in a folder of its own, and clients that watch it. */
export class WatchHarness implements AsyncDisposable {
  readonly #directory: string;
  readonly draining = new AbortController();
  /** The log as the watchers see it; a test may put a wrapper here. */
  log: EventLog;
  readonly embedded: EmbeddedEventLog;
  timeMs = 1_000_000;

  private constructor(directory: string, log: EmbeddedEventLog) {
    this.#directory = directory;
    this.log = log;
    this.embedded = log;
  }

  static async start(): Promise<WatchHarness> {
    const directory = await mkdtemp(join(tmpdir(), "watch-"));
    const clock = { now: () => 1_000_000 };
    const log = await openEmbeddedLog({ directory, now: () => clock.now() });
    const harness = new WatchHarness(directory, log);
    clock.now = () => harness.timeMs;
    return harness;
  }

  watch(request: MessageInitShape<typeof RequestSchema> = {}): WatchClient {
    return new WatchClient(this, request);
  }

  cursor(position: number): string {
    return encodeCursor(this.log.id, position);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.embedded[Symbol.asyncDispose]();
    await rm(this.#directory, { recursive: true });
  }
}
