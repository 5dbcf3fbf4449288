import { create } from "@bufbuild/protobuf";
import { type SendResult, SendResultSchema } from "../../gen/infobip/messages/v1/messages_service_pb.js";
import type { MessageResponse, MessageResponseDetails } from "../../gen/infobip/messages/v1/response_pb.js";
import type { DestinationSlot } from "./destination-slots.ts";
import { outcomeOf } from "./send-outcome.ts";

/**
 * Brings Infobip's answers into the order of the request. An answer belongs to
 * the destination with its message id; where no id fits and Infobip answered
 * for as many destinations as were asked, to the destination at its place. A
 * destination without an answer gets outcome UNKNOWN. Ids are unique within a
 * request; of several answers with one id the first counts.
 */
export function matchResults(slots: readonly DestinationSlot[], response: MessageResponse): SendResult[] {
  const byId = firstById(response.messages);
  const positional = response.messages.length === slots.length ? response.messages : [];
  const own = new Set<string | undefined>(slots.map((slot) => slot.messageId));
  return slots.map((slot, index) => {
    const atPlace = positional[index];
    // An answer with the id of another destination is that destination's, wherever it stands.
    const unclaimed = atPlace && !own.has(atPlace.messageId) ? atPlace : undefined;
    return toResult(slot, byId.get(slot.messageId) ?? unclaimed);
  });
}

function firstById(answers: readonly MessageResponseDetails[]): Map<string, MessageResponseDetails> {
  const byId = new Map<string, MessageResponseDetails>();
  for (const answer of answers) {
    if (answer.messageId !== undefined && !byId.has(answer.messageId)) byId.set(answer.messageId, answer);
  }
  return byId;
}

function toResult(slot: DestinationSlot, answer: MessageResponseDetails | undefined): SendResult {
  return create(SendResultSchema, {
    messageIndex: slot.messageIndex,
    destinationIndex: slot.destinationIndex,
    messageId: answer?.messageId ?? slot.messageId,
    destination: answer?.destination,
    status: answer?.status,
    details: answer?.details,
    outcome: outcomeOf(answer?.status),
  });
}
