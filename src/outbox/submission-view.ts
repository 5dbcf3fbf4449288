import { create } from "@bufbuild/protobuf";
import { type Timestamp, TimestampSchema } from "@bufbuild/protobuf/wkt";
import {
  type Submission,
  SubmissionSchema,
  SubmissionState,
} from "../../gen/infobip/messages/v1/submission_pb.js";
import type { SubmissionRecord } from "../eventlog/submission-store.ts";
import { decodeOutcome } from "./stored-outcome.ts";
import { messageIdsOf } from "./stored-request.ts";
import { requestIdOf, submissionName } from "./submission-names.ts";

/** A submission as lists show it: without message ids and results. Takes records as lists get them. */
export function summaryOf(record: SubmissionRecord): Submission {
  return view(record, false);
}

/** A submission with its message ids and results. */
export function submissionOf(record: SubmissionRecord, messageIds?: readonly string[]): Submission {
  const submission = view(record, true);
  submission.messageIds = messageIds === undefined ? messageIdsOf(record.request) : [...messageIds];
  return submission;
}

function view(record: SubmissionRecord, withResults: boolean): Submission {
  const outcome = decodeOutcome(record.outcome, withResults);
  const submission = create(SubmissionSchema);
  submission.name = submissionName(record.id);
  submission.requestId = requestIdOf(record.id);
  submission.state = record.state;
  submission.unknownOutcomePolicy = record.policy;
  submission.createTime = timestampOf(record.createTimeMs);
  submission.updateTime = timestampOf(record.updateTimeMs);
  if (record.sendAfterMs !== 0) submission.sendAfter = timestampOf(record.sendAfterMs);
  submission.expireAfter = timestampOf(record.expireAfterMs);
  submission.attempts = record.attempts;
  if (record.state === SubmissionState.QUEUED && outcome.failures > 0) {
    submission.nextAttemptTime = timestampOf(record.dueTimeMs);
  }
  submission.destinations = record.destinations;
  if (outcome.bulkId !== undefined) submission.bulkId = outcome.bulkId;
  submission.results = [...outcome.results];
  if (outcome.lastError !== undefined) submission.lastError = outcome.lastError;
  return submission;
}

function timestampOf(timeMs: number): Timestamp {
  const seconds = Math.floor(timeMs / 1000);
  const timestamp = create(TimestampSchema);
  timestamp.seconds = BigInt(seconds);
  timestamp.nanos = Math.round((timeMs - seconds * 1000) * 1_000_000);
  return timestamp;
}
