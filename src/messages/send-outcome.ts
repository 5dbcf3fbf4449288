import { MessageGeneralStatus, type MessageStatus } from "../../gen/infobip/messages/v1/response_pb.js";
import { SendOutcome } from "../../gen/infobip/messages/v1/send_messages_pb.js";

const REJECTED_GROUP = 5;
const REJECTED_DUPLICATE_MESSAGE_ID = 23;

/**
 * Says whether a message was sent by the status Infobip answered with. A
 * refusal as a duplicate means that a message with this id was accepted
 * before, so it counts as sent: sending it again with another id would double
 * it.
 */
export function outcomeOf(status: MessageStatus | undefined): SendOutcome {
  if (!status) return SendOutcome.UNKNOWN;
  const rejected = status.groupId === REJECTED_GROUP || status.groupName === MessageGeneralStatus.REJECTED;
  if (!rejected || status.id === REJECTED_DUPLICATE_MESSAGE_ID) return SendOutcome.SENT;
  return SendOutcome.NOT_SENT;
}
