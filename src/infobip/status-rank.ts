import { SendOutcome } from "../../gen/infobip/messages/v1/send_messages_pb.js";

/**
 * How strong the status is that an event tells about a message: stronger news
 * is never replaced by weaker. Stored in logs, so a number never changes its
 * meaning.
 */
export const StatusRank = {
  /** The event tells no status. */
  NONE: 0,
  /** A send without an answer, or a refused repeat, which says nothing of the original. */
  SEND_UNKNOWN: 1,
  ACCEPTED: 2,
  PENDING: 3,
  DELIVERED_TO_OPERATOR: 4,
  /** Undeliverable, expired or rejected: with failover the next step can still follow. */
  FAILED: 5,
  DELIVERED: 6,
  SEEN: 7,
} as const;

/** Value of {@link StatusRank}. */
export type StatusRank = (typeof StatusRank)[keyof typeof StatusRank];

// Groups and ids of the status table in Infobip's documentation.
const ACCEPTED_GROUP = 0;
const UNDELIVERABLE_GROUP = 2;
const DELIVERED_GROUP = 3;
const EXPIRED_GROUP = 4;
const REJECTED_GROUP = 5;
const DELIVERED_TO_OPERATOR_ID = 2;
const REJECTED_DUPLICATE_MESSAGE_ID = 23;

/** Rank of a delivery report, by status group and id. Groups that are not known here count as PENDING. */
export function reportRank(groupId: number | undefined, statusId: number | undefined): StatusRank {
  switch (groupId) {
    case ACCEPTED_GROUP:
      return StatusRank.ACCEPTED;
    case DELIVERED_GROUP:
      return statusId === undefined || statusId === DELIVERED_TO_OPERATOR_ID
        ? StatusRank.DELIVERED_TO_OPERATOR
        : StatusRank.DELIVERED;
    case REJECTED_GROUP:
      return statusId === REJECTED_DUPLICATE_MESSAGE_ID ? StatusRank.SEND_UNKNOWN : StatusRank.FAILED;
    case UNDELIVERABLE_GROUP:
    case EXPIRED_GROUP:
      return StatusRank.FAILED;
    default:
      return StatusRank.PENDING;
  }
}

/** Rank of a send result. What Infobip took is ACCEPTED, whatever status it answered with. */
export function sendResultRank(
  outcome: SendOutcome,
  groupId: number | undefined,
  statusId: number | undefined,
): StatusRank {
  if (outcome === SendOutcome.SENT) return StatusRank.ACCEPTED;
  if (outcome !== SendOutcome.NOT_SENT) return StatusRank.SEND_UNKNOWN;
  return reportRank(groupId, statusId) === StatusRank.SEND_UNKNOWN
    ? StatusRank.SEND_UNKNOWN
    : StatusRank.FAILED;
}
