import type { SubscribeRequest, SubscribeStart } from "../../gen/infobip/events/v1/subscribe_pb.js";
import type { ServiceError } from "../errors.ts";
import type { ClockTimer } from "../timer.ts";
import { serviceDraining } from "./call-ended.ts";
import type { DrainNotice } from "./drain-notice.ts";
import { requestInvalid } from "./request-invalid.ts";

/** Time in which a client must send its start frame, in milliseconds. */
export const START_TIMEOUT_MS = 30_000;

/**
 * Reads the frame that opens a session. Rejects with REQUEST_INVALID when
 * another one comes, or none in time; with DRAINING when the service stops.
 */
export async function readStart(
  frames: AsyncIterator<SubscribeRequest>,
  timer: ClockTimer,
  drain: DrainNotice,
): Promise<SubscribeStart> {
  const given = Promise.withResolvers<never>();
  const callOffTimer = timer.schedule(START_TIMEOUT_MS, () => given.reject(noStart()));
  const callOffDrain = drain.onDrain(() => given.reject(serviceDraining()));
  try {
    if (drain.draining) throw serviceDraining();
    const { done, value } = await Promise.race([frames.next(), given.promise]);
    if (done === true || value.frame.case !== "start") throw noStart();
    return value.frame.value;
  } finally {
    callOffTimer();
    callOffDrain();
  }
}

/** The error for a second start frame. */
export function secondStart(): ServiceError {
  return requestInvalid("start", "must come once, as the first frame", "start_first");
}

function noStart(): ServiceError {
  const seconds = START_TIMEOUT_MS / 1_000;
  return requestInvalid("start", `must be the first frame, within ${seconds} s`, "start_first");
}
