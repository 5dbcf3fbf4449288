import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Channel } from "../../gen/infobip/messages/v1/channel_pb.js";
import type { BaseMessageSchema } from "../../gen/infobip/messages/v1/message_pb.js";
import {
  type Submission,
  SubmissionState,
  type SubmitMessagesRequest,
  SubmitMessagesRequestSchema,
  UnknownOutcomePolicy,
} from "../../gen/infobip/messages/v1/submission_pb.js";

/** So far ahead that no run waits for it. */
const FAR_MS = 3_600_000;
/** Chances of the kinds of submissions. */
const FAR = 0.04;
const LATER = 0.15;
const EXPIRING = 0.15;

/** What the clients of a submission know of it. */
export interface SubmissionStory {
  readonly request: SubmitMessagesRequest;
  readonly addresses: readonly string[];
  readonly sendAfterMs: number;
  readonly expireAfterMs: number;
  /** The service has said that it is on disk. */
  isConfirmed: boolean;
  /** The service has said that it will not have it. */
  isRefused: boolean;
  /** Somebody has asked to cancel it. */
  isCancelled: boolean;
  /** As it was last seen. */
  seen: Submission | undefined;
}

/** Whether a submission changes no more. */
export function isDone(submission: Submission | undefined): boolean {
  return submission !== undefined && submission.state >= SubmissionState.ACCEPTED;
}

/** Whether it is not due while the run lasts. */
export function isForLater({ sendAfterMs }: SubmissionStory): boolean {
  return sendAfterMs - Date.now() > FAR_MS / 2;
}

/** Messages to addresses that nothing else is sent to. */
export function messageTo(
  addresses: readonly string[],
  text: string,
): MessageInitShape<typeof BaseMessageSchema> {
  return {
    kind: {
      case: "message",
      value: {
        channel: Channel.SMS,
        sender: "ShopDesk",
        destinations: addresses.map((to) => ({ kind: { case: "toDestination", value: { to } } })),
        content: { body: { type: { case: "text", value: { text } } } },
      },
    },
  };
}

/** A submission at random. `together`: when it may leave, Unix milliseconds. */
export function tellSubmission(
  number: number,
  addresses: readonly string[],
  random: () => number,
  together?: number,
): SubmissionStory {
  const now = Date.now();
  const kind = random();
  const isFar = kind < FAR;
  const later = kind < FAR + LATER ? now + 50 + Math.floor(random() * 500) : 0;
  const sendAfterMs = together ?? (isFar ? now + FAR_MS : later);
  const isExpiring = !isFar && random() < EXPIRING;
  const expireAfterMs = isExpiring ? Math.max(now, sendAfterMs) + 20 + Math.floor(random() * 600) : 0;
  const policy = random() < 0.5 ? UnknownOutcomePolicy.AT_LEAST_ONCE : UnknownOutcomePolicy.AT_MOST_ONCE;
  const request = create(SubmitMessagesRequestSchema, {
    requestId: `submission-${number}`,
    messages: [messageTo(addresses, `submission ${number}`)],
    unknownOutcomePolicy: policy,
    ...(sendAfterMs === 0 ? {} : { sendAfter: timestampFromMs(sendAfterMs) }),
    ...(expireAfterMs === 0 ? {} : { expireAfter: timestampFromMs(expireAfterMs) }),
  });
  return {
    request,
    addresses,
    sendAfterMs,
    expireAfterMs,
    isConfirmed: false,
    isRefused: false,
    isCancelled: false,
    seen: undefined,
  };
}
