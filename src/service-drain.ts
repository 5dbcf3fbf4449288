import { setImmediate as nextTurn } from "node:timers/promises";
import { settlesWithin } from "./settles-within.ts";

/** What is done when a service drains, in the order in which it is done. None of these rejects. */
export interface DrainSteps {
  /** 1. Health and readiness say that there is nothing to be had here any more. Everything is still served. */
  withdraw(): void;
  /** 2. Nothing further is fetched or taken up; requests under way go on. Resolves once they have ended. */
  stopWork(graceMs: number): Promise<void>;
  /** 3. Streams get their draining frame with its deadline. */
  tellStreams(): void;
  /** 4. Connections are told to go away and end with their last call. Resolves with whether all calls did by themselves. */
  closeConnections(graceMs: number): Promise<boolean>;
  /** 5. What was begun is brought to its end and stored. */
  flush(graceMs: number): Promise<void>;
}

/** Bounds of a drain. */
export interface DrainBounds {
  /** When the drain is over at the latest, on the clock of `now`. */
  readonly stopTime: number;
  /** How long everything is still served after the first step. */
  readonly delayMs: number;
  readonly now: () => number;
  /** Ends the delay. */
  readonly closed: AbortSignal;
}

/**
 * Turns of the event loop that the streams have to write their frames before
 * connections are told to go away: a frame passes through a few queues.
 */
const FRAME_TURNS = 4;
/** What a step may take beyond its grace before it counts as hung, in milliseconds. */
const OVERRUN_MS = 500;

/**
 * Drains a service. No step holds it beyond the stop time by more than
 * a moment, whatever hangs. Resolves with whether all that was in progress
 * had come to its end by itself. Never rejects.
 */
export async function drainInOrder(steps: DrainSteps, bounds: DrainBounds): Promise<boolean> {
  const left = (): number => Math.max(0, bounds.stopTime - bounds.now());
  steps.withdraw();
  if (bounds.delayMs > 0) await settlesWithin(aborted(bounds.closed), Math.min(bounds.delayMs, left()));
  const working = steps.stopWork(left());
  steps.tellStreams();
  for (let turn = 0; turn < FRAME_TURNS; turn++) await nextTurn();
  let haveEnded = false;
  const closing = steps.closeConnections(left()).then((ended) => {
    haveEnded = ended;
  });
  const isClosed = await settlesWithin(closing, left() + OVERRUN_MS);
  const isIdle = await settlesWithin(working, left() + OVERRUN_MS);
  const isFlushed = await settlesWithin(steps.flush(left()), left() + OVERRUN_MS);
  return isClosed && haveEnded && isIdle && isFlushed;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
