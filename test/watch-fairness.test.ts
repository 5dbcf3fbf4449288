import { create } from "@bufbuild/protobuf";
import { expect, it } from "vitest";
import { WatchEventsRequestSchema } from "../gen/infobip/events/v1/events_service_pb.js";
import { StartPosition } from "../gen/infobip/events/v1/positions_pb.js";
import { ReplayTurns } from "../src/events/replay-turns.ts";
import { createWatchEvents } from "../src/events/watch-events.ts";
import { sampleEvents } from "./event-log-samples.ts";
import { MemoryEventLog } from "./fixtures/memory-event-log.ts";

const WATCHERS = 10;
const EVENTS = 2_560;

/** Counts turns of the event loop until it is stopped. */
class TurnCounter implements Disposable {
  turn = 0;
  #running = true;

  constructor() {
    const tick = (): void => {
      this.turn++;
      if (this.#running) setImmediate(tick);
    };
    setImmediate(tick);
  }

  [Symbol.dispose](): void {
    this.#running = false;
  }
}

it("lets an immediate callback run between any two frames of ten replays, which take turns", async () => {
  const log = new MemoryEventLog();
  await log.append(sampleEvents(1, EVENTS));
  using counter = new TurnCounter();
  const reads: number[] = [];
  const read = log.read.bind(log);
  log.read = (after, options) => {
    reads.push(counter.turn);
    return read(after, options);
  };
  const draining = new AbortController();
  const watch = createWatchEvents({ log, draining: draining.signal, drainStopTime: () => 0 });
  const order: number[] = [];
  const follow = async (watcher: number): Promise<void> => {
    const request = create(WatchEventsRequestSchema, {
      from: { case: "start", value: StartPosition.EARLIEST },
    });
    const frames = watch(request, {
      signal: new AbortController().signal,
      timeoutMs: () => undefined,
      requestHeader: new Headers(),
      responseHeader: new Headers(),
      responseTrailer: new Headers(),
    })[Symbol.asyncIterator]();
    await frames.next();
    for (let n = 0; n < EVENTS / 256; n++) {
      await frames.next();
      order.push(watcher);
    }
    await frames.return?.();
  };
  await Promise.all(Array.from({ length: WATCHERS }, (_, n) => follow(n)));
  expect(reads).toHaveLength((WATCHERS * EVENTS) / 256);
  expect(new Set(reads).size).toBe(reads.length);
  for (let n = 0; n < order.length; n += WATCHERS) {
    expect(new Set(order.slice(n, n + WATCHERS)).size).toBe(WATCHERS);
  }
});

it("lets a stream at the head read without a turn", async () => {
  const log = new MemoryEventLog();
  const draining = new AbortController();
  const watch = createWatchEvents({ log, draining: draining.signal, drainStopTime: () => 0 });
  const frames = watch(create(WatchEventsRequestSchema), {
    signal: new AbortController().signal,
    timeoutMs: () => undefined,
    requestHeader: new Headers(),
    responseHeader: new Headers(),
    responseTrailer: new Headers(),
  })[Symbol.asyncIterator]();
  await frames.next();
  const next = frames.next();
  let turned = false;
  const append = log.append(sampleEvents(1, 1));
  setImmediate(() => {
    turned = true;
  });
  await Promise.all([append, next]);
  expect(turned).toBe(false);
  await frames.return?.();
});

it("forgets a stream whose call has ended, and gives its turn to the next", async () => {
  const turns = new ReplayTurns();
  const gone = new AbortController();
  const first = turns.take(gone.signal);
  const second = turns.take(new AbortController().signal);
  expect(turns.size).toBe(2);
  gone.abort();
  await first;
  expect(turns.size).toBe(1);
  await second;
  expect(turns.size).toBe(0);
});
