import { create } from "@bufbuild/protobuf";
import type { MessageResponseDetails } from "../../gen/infobip/messages/v1/response_pb.js";
import { type SendResult, SendResultSchema } from "../../gen/infobip/messages/v1/send_messages_pb.js";
import type { DestinationSlot } from "./destination-slots.ts";
import { outcomeOf } from "./send-outcome.ts";

/**
 * Makes the result of each destination, in the order of the request, from the
 * answer that stands at its place. A destination without an answer gets outcome
 * UNKNOWN.
 */
export function matchResults(
  slots: readonly DestinationSlot[],
  answers: readonly (MessageResponseDetails | undefined)[],
): SendResult[] {
  return slots.map((slot, index) => toResult(slot, answers[index]));
}

/** Optional fields stay absent where the answer has none, so that the result equals its decoded copy. */
function toResult(slot: DestinationSlot, answer: MessageResponseDetails | undefined): SendResult {
  const result = create(SendResultSchema);
  result.messageIndex = slot.messageIndex;
  result.destinationIndex = slot.destinationIndex;
  result.messageId = answer?.messageId || slot.messageId;
  result.outcome = outcomeOf(answer?.status);
  if (answer === undefined) return result;
  if (answer.destination !== undefined) result.destination = answer.destination;
  if (answer.status !== undefined) result.status = answer.status;
  if (answer.details !== undefined) result.details = answer.details;
  return result;
}
