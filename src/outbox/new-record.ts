import { SubmissionState } from "../../gen/infobip/messages/v1/submission_pb.js";
import type { SubmissionRecord } from "../eventlog/submission-store.ts";
import type { NewSubmission } from "./outbox.ts";
import type { OutboxOptions } from "./outbox-options.ts";
import { encodeStoredRequest } from "./stored-request.ts";

/** The record of a submission that is taken in now. */
export function newRecord(
  submission: NewSubmission,
  number: number,
  { now, limits }: Pick<OutboxOptions, "now" | "limits">,
): SubmissionRecord {
  const { requestId, policy, sendAfterMs, expireAfterMs, payloadHash, messageIds } = submission;
  const nowMs = now();
  const dueTimeMs = Math.max(nowMs, sendAfterMs);
  return {
    number,
    id: requestId,
    state: SubmissionState.QUEUED,
    policy,
    createTimeMs: nowMs,
    updateTimeMs: nowMs,
    sendAfterMs,
    expireAfterMs: expireAfterMs === 0 ? dueTimeMs + limits.maxAgeMs : expireAfterMs,
    dueTimeMs,
    attempts: 0,
    destinations: messageIds.length,
    payloadHash,
    request: encodeStoredRequest(messageIds, submission.request, submission.trace),
    outcome: new Uint8Array(0),
  };
}
