import type { EventLog } from "../eventlog/event-log.ts";
import type { DrainNotice } from "../rpc/drain-notice.ts";
import type { ClockTimer } from "../timer.ts";

/** What ends a wait besides a new event. */
export interface WaitEnds {
  /** The call's signal. */
  readonly signal: AbortSignal;
  readonly drain: DrainNotice;
  readonly timer: ClockTimer;
  /** Longest wait, in milliseconds. */
  readonly delayMs: number;
}

/**
 * Waits until the log has something after a position, the time is up, the
 * call ends or the service drains. Never rejects, and leaves no timer,
 * listener or waiter behind.
 */
export async function waitForWork(log: EventLog, after: number, ends: WaitEnds): Promise<void> {
  if (ends.signal.aborted || ends.drain.draining) return;
  const done = new AbortController();
  const wake = (): void => done.abort();
  const callOffTimer = ends.timer.schedule(ends.delayMs, wake);
  const callOffDrain = ends.drain.onDrain(wake);
  ends.signal.addEventListener("abort", wake);
  try {
    await log.waitPast(after, done.signal);
  } finally {
    ends.signal.removeEventListener("abort", wake);
    callOffDrain();
    callOffTimer();
  }
}
