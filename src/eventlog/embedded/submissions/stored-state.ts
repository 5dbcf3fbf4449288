import type { SubmissionState } from "../../../../gen/infobip/messages/v1/submission_pb.js";

/*
 * Numbers of the states that tables and statements tell apart. The writer
 * thread loads no generated code.
 */

/** Waits. */
export const QUEUED: SubmissionState.QUEUED = 1;
/** Is leaving or has left. */
export const SENDING: SubmissionState.SENDING = 2;
/** Done, and the state that nearly all submissions end in. */
export const ACCEPTED: SubmissionState.ACCEPTED = 3;
/** The first state of those that are done; all after it are, too. */
export const FIRST_DONE = ACCEPTED;
