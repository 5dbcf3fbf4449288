import type { Timestamp } from "@bufbuild/protobuf/wkt";
import type { SubmitMessagesRequest } from "../../gen/infobip/messages/v1/submission_pb.js";
import type { Violation } from "../errors.ts";

/** Seconds of the last moment of the year 9999, and of the first of the year 1. */
const LAST_SECOND = 253_402_300_799n;
const FIRST_SECOND = -62_135_596_800n;
const MAX_NANOS = 999_999_999;

/** When a submission may leave, Unix milliseconds; 0 when its submitter said nothing. */
export interface SubmissionTimes {
  readonly sendAfterMs: number;
  readonly expireAfterMs: number;
}

/** The times of a request. */
export function timesOf({ sendAfter, expireAfter }: SubmitMessagesRequest): SubmissionTimes {
  return { sendAfterMs: millisecondsOf(sendAfter), expireAfterMs: millisecondsOf(expireAfter) };
}

/** The rules for the times that do not depend on when the request comes. */
export function timeViolations(request: SubmitMessagesRequest): Violation[] {
  const { sendAfter, expireAfter } = request;
  const violations: Violation[] = [];
  if (!isValid(sendAfter)) violations.push(invalidTime("send_after"));
  if (!isValid(expireAfter)) violations.push(invalidTime("expire_after"));
  const { sendAfterMs, expireAfterMs } = timesOf(request);
  if (violations.length === 0 && sendAfter && expireAfter && expireAfterMs <= sendAfterMs) {
    violations.push({
      field: "expire_after",
      description: "must be later than send_after",
      reason: "expire_after_after_send_after",
    });
  }
  return violations;
}

/** The violation of a submission that would expire before it could be sent. */
export const ALREADY_EXPIRED: Violation = {
  field: "expire_after",
  description: "must be in the future",
  reason: "expire_after_in_future",
};

function isValid(time: Timestamp | undefined): boolean {
  if (time === undefined) return true;
  const { seconds, nanos } = time;
  return seconds >= FIRST_SECOND && seconds <= LAST_SECOND && nanos >= 0 && nanos <= MAX_NANOS;
}

function invalidTime(field: string): Violation {
  return { field, description: "must be a time of the years 1 to 9999", reason: "timestamp" };
}

/** A time before 1970 is as good as the first millisecond of it: long past. */
function millisecondsOf(time: Timestamp | undefined): number {
  if (time === undefined) return 0;
  return Math.max(1, Number(time.seconds) * 1000 + Math.floor(time.nanos / 1_000_000));
}
