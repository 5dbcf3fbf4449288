import type { Event } from "../../gen/infobip/events/v1/event_pb.js";
import { MessageState } from "../../gen/infobip/events/v1/history_pb.js";
import { StatusRank } from "../infobip/status-rank.ts";

// Groups of the status table in Infobip's documentation.
const UNDELIVERABLE_GROUP = 2;
const EXPIRED_GROUP = 4;

const STATE_BY_RANK: Readonly<Record<StatusRank, MessageState>> = {
  [StatusRank.NONE]: MessageState.UNSPECIFIED,
  [StatusRank.SEND_UNKNOWN]: MessageState.SEND_UNKNOWN,
  [StatusRank.ACCEPTED]: MessageState.ACCEPTED,
  [StatusRank.PENDING]: MessageState.PENDING,
  [StatusRank.DELIVERED_TO_OPERATOR]: MessageState.DELIVERED_TO_OPERATOR,
  [StatusRank.FAILED]: MessageState.REJECTED,
  [StatusRank.DELIVERED]: MessageState.DELIVERED,
  [StatusRank.SEEN]: MessageState.SEEN,
};

/** Where a message stands by the event that tells its status, given that event and its rank. */
export function messageStateOf(event: Event, rank: number): MessageState {
  if (rank === StatusRank.FAILED && event.payload.case === "deliveryReport") {
    const groupId = event.payload.value.status?.groupId;
    if (groupId === UNDELIVERABLE_GROUP) return MessageState.UNDELIVERABLE;
    if (groupId === EXPIRED_GROUP) return MessageState.EXPIRED;
  }
  return STATE_BY_RANK[rank as StatusRank] ?? MessageState.UNSPECIFIED;
}
