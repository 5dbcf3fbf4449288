import type { SubscribeRequest, SubscribeStart } from "../../gen/infobip/events/v1/subscribe_pb.js";
import type { ServiceError } from "../errors.ts";
import type { DrainNotice } from "../rpc/drain-notice.ts";
import { firstFrame } from "../rpc/first-frame.ts";
import type { ClockTimer } from "../timer.ts";
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
  return (await readStartFrame(frames, timer, drain)).start;
}

/** Reads the frame that opens a session, as {@link readStart} does, and gives it with its contents. */
export async function readStartFrame(
  frames: AsyncIterator<SubscribeRequest>,
  timer: ClockTimer,
  drain: DrainNotice,
): Promise<{ readonly frame: SubscribeRequest; readonly start: SubscribeStart }> {
  const frame = await firstFrame(frames, { timer, drain, timeoutMs: START_TIMEOUT_MS, none: noStart });
  if (frame.frame.case !== "start") throw noStart();
  return { frame, start: frame.frame.value };
}

/** The error for a second start frame. */
export function secondStart(): ServiceError {
  return requestInvalid("start", "must come once, as the first frame", "start_first");
}

function noStart(): ServiceError {
  const seconds = START_TIMEOUT_MS / 1_000;
  return requestInvalid("start", `must be the first frame, within ${seconds} s`, "start_first");
}
