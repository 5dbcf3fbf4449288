import { create, toJson } from "@bufbuild/protobuf";
import { type Timestamp, timestampDate } from "@bufbuild/protobuf/wkt";
import { SendMessagesResponseSchema } from "../../gen/infobip/messages/v1/send_messages_pb.js";
import {
  type Submission,
  SubmissionSchema,
  SubmissionState,
  SubmissionStateSchema,
} from "../../gen/infobip/messages/v1/submission_pb.js";
import { enumName } from "./enum-names.ts";
import { EXIT } from "./exit-codes.ts";
import type { Output } from "./output.ts";
import { printResults } from "./send-results.ts";
import type { Paint, Style } from "./style.ts";
import { pad, printable } from "./table.ts";

const STATE_WIDTH = 15;
const TIME_WIDTH = 20;

/** Heading of the lines that {@link submissionLine} makes. */
export function submissionHeading(style: Style): string {
  const cells = [
    pad("created (UTC)", TIME_WIDTH),
    pad("state", STATE_WIDTH),
    pad("attempts", 8),
    "request id",
  ];
  return style.bold(cells.join("  "));
}

/** One line for one submission. */
export function submissionLine(submission: Submission, style: Style): string {
  const state = enumName(SubmissionStateSchema, submission.state);
  return [
    style.dim(pad(timeText(submission.createTime), TIME_WIDTH)),
    paintOf(submission.state, style)(pad(state, STATE_WIDTH)),
    pad(String(submission.attempts), 8),
    printable(submission.requestId),
  ].join("  ");
}

/** Prints a submission with what is known of its destinations: a JSON object, or lines. */
export async function printSubmission(output: Output, submission: Submission): Promise<void> {
  if (output.json) return output.jsonLine(toJson(SubmissionSchema, submission));
  await output.line(submissionHeading(output.style));
  await output.line(submissionLine(submission, output.style));
  if (submission.lastError !== undefined) await output.line(printable(submission.lastError.message));
  if (submission.state === SubmissionState.QUEUED) await output.line(output.style.dim(planText(submission)));
  if (submission.results.length === 0) return;
  const { bulkId, results } = submission;
  await printResults(output, create(SendMessagesResponseSchema, { bulkId, results }));
}

/** When what waits is sent. */
function planText({ sendAfter, nextAttemptTime, expireAfter }: Submission): string {
  const plans = [
    sendAfter && `not before ${timeText(sendAfter)}`,
    nextAttemptTime && `next attempt at ${timeText(nextAttemptTime)}`,
    expireAfter && `not after ${timeText(expireAfter)}`,
  ];
  return plans.filter(Boolean).join(", ");
}

/** Exit code for where a submission stands: what waits is well. */
export function exitCodeOfState(state: SubmissionState): number {
  if (state === SubmissionState.OUTCOME_UNKNOWN) return EXIT.outcomeUnknown;
  const failed = [SubmissionState.REJECTED, SubmissionState.EXPIRED];
  return failed.includes(state) ? EXIT.failure : EXIT.ok;
}

function timeText(time: Timestamp | undefined): string {
  return time === undefined ? "" : `${timestampDate(time).toISOString().slice(0, 19)}Z`;
}

function paintOf(state: SubmissionState, style: Style): Paint {
  if (state === SubmissionState.ACCEPTED) return style.good;
  if (state === SubmissionState.QUEUED || state === SubmissionState.SENDING) return style.warn;
  return state === SubmissionState.CANCELLED ? style.info : style.bad;
}
