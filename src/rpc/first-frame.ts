import type { ServiceError } from "../errors.ts";
import type { ClockTimer } from "../timer.ts";
import { serviceDraining } from "./call-ended.ts";
import type { DrainNotice } from "./drain-notice.ts";

/** What bounds the wait for the first frame of a stream. */
export interface FirstFrameOptions {
  readonly timer: ClockTimer;
  readonly drain: DrainNotice;
  /** Longest wait, in milliseconds. */
  readonly timeoutMs: number;
  /** The error when no frame comes: in time, or at all. */
  readonly none: () => ServiceError;
}

/** Reads the frame that opens a stream. Rejects when none comes, with DRAINING when the service stops, and as the frames do. */
export async function firstFrame<T>(frames: AsyncIterator<T>, options: FirstFrameOptions): Promise<T> {
  const { timer, drain, timeoutMs, none } = options;
  if (drain.draining) throw serviceDraining();
  const given = Promise.withResolvers<never>();
  const callOffTimer = timer.schedule(timeoutMs, () => given.reject(none()));
  const callOffDrain = drain.onDrain(() => given.reject(serviceDraining()));
  try {
    const { done, value } = await Promise.race([frames.next(), given.promise]);
    if (done === true) throw none();
    return value;
  } finally {
    callOffTimer();
    callOffDrain();
  }
}
