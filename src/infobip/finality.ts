const UNDELIVERABLE = 2;
const DELIVERED = 3;
const EXPIRED = 4;
const REJECTED = 5;
/** Id within DELIVERED: the operator has it, the handset may still follow. */
const DELIVERED_TO_OPERATOR = 2;
/** Id within REJECTED: a repeat was refused. It carries the original's message id and says nothing about it. */
const REJECTED_DUPLICATE_MESSAGE_ID = 23;

/**
 * Whether no other delivery report is expected after this status. Keyed on
 * group and id together, because names change and an id can occur in two
 * groups. Accepted (0), pending (1), DELIVERED_TO_OPERATOR,
 * REJECTED_DUPLICATE_MESSAGE_ID and any group not known here are not final. With failover each step can bring a final status
 * of its own under one message id, so a final status ends a step, not always
 * the message.
 */
export function isFinalStatus(groupId: number | undefined, statusId: number | undefined): boolean {
  if (groupId === DELIVERED) return statusId !== undefined && statusId !== DELIVERED_TO_OPERATOR;
  if (groupId === REJECTED) return statusId !== REJECTED_DUPLICATE_MESSAGE_ID;
  return groupId === UNDELIVERABLE || groupId === EXPIRED;
}
