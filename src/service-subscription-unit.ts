import type { DescMethodBiDiStreaming, DescMethodUnary } from "@bufbuild/protobuf";
import type { SubscriptionStore } from "./eventlog/embedded/subscription-store.ts";
import { createSubscriptionEngine } from "./eventlog/embedded/subscriptions/create-subscription-engine.ts";
import type { EventLog } from "./eventlog/event-log.ts";
import type { Fenced } from "./eventlog/fenced.ts";
import type { SubscriptionEngine } from "./eventlog/subscription-engine.ts";
import { createSubscriptionMethods } from "./events/subscription-methods.ts";
import type { OpenUnit } from "./fleet/unit.ts";
import { callBidi, callUnary, type UnitMethods } from "./service-unit-methods.ts";
import type { ClockTimer } from "./timer.ts";

/** Last part of a drain: what is left of it for sessions that do not end by themselves, in milliseconds. */
const END_BEFORE_STOP_MS = 500;

/** What the unit of a subscription works with. */
export interface SubscriptionUnitOptions {
  /** The one subscription, or nothing when there is none. The unit closes it. */
  readonly fenced: Fenced<SubscriptionStore> & AsyncDisposable;
  readonly log: EventLog;
  /** Unix milliseconds. */
  readonly now: () => number;
  readonly timer: ClockTimer;
  /** A new id for each session, which nobody can guess. */
  readonly newSessionId: () => string;
  /** How long streams may go on once the unit drains, in milliseconds. */
  readonly drainMs: number;
  /** Told of the engine for as long as the unit is open. */
  readonly observe?: (engine: SubscriptionEngine) => Disposable;
}

/** Opens a subscription in this process, which owns it. @throws RangeError when its stored state cannot be read. */
export function openSubscriptionUnit(options: SubscriptionUnitOptions): OpenUnit {
  const { fenced, log, now, timer, newSessionId, drainMs } = options;
  const engine = createSubscriptionEngine({ log, store: fenced.store, now, timer, newSessionId });
  const observed = options.observe?.(engine);
  const draining = new AbortController();
  let stopTime = 0;
  const methods: UnitMethods = createSubscriptionMethods({
    log,
    engine,
    draining: draining.signal,
    drainStopTime: () => stopTime,
    now,
    timer,
  }) as unknown as UnitMethods;
  const streams = new OpenStreams();
  return {
    lost: fenced.fenced,
    get isEmpty() {
      return engine.list("", 1).length === 0;
    },
    unary: (method: DescMethodUnary, request, call) => callUnary(methods, method, request, call),
    bidi: (method: DescMethodBiDiStreaming, requests, call) =>
      streams.count(callBidi(methods, method, requests, call)),
    drain: async () => {
      stopTime = now() + drainMs;
      draining.abort();
      await streams.ended(timer, Math.max(0, drainMs - END_BEFORE_STOP_MS));
      await engine.drain();
    },
    [Symbol.asyncDispose]: async () => {
      observed?.[Symbol.dispose]();
      draining.abort();
      await engine[Symbol.asyncDispose]();
      await fenced[Symbol.asyncDispose]();
    },
  };
}

/** Counts streams, so that a drain ends with the last of them. */
class OpenStreams {
  #open = 0;
  #onNone: (() => void) | undefined;

  async *count<T>(stream: AsyncIterable<T>): AsyncGenerator<T> {
    this.#open++;
    try {
      yield* stream;
    } finally {
      this.#open--;
      if (this.#open === 0) this.#onNone?.();
    }
  }

  /** Resolves when none is open, or after so many milliseconds. */
  async ended(timer: ClockTimer, atMostMs: number): Promise<void> {
    if (this.#open === 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#onNone = resolve;
    const callOff = timer.schedule(atMostMs, resolve);
    await promise;
    callOff();
  }
}
