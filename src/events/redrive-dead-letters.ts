import { create } from "@bufbuild/protobuf";
import { RedriveDeadLettersResponseSchema } from "../../gen/infobip/events/v1/subscription_requests_pb.js";
import { requestInvalid } from "./request-invalid.ts";
import type { EventsMethod, SubscriptionContext } from "./subscription-context.ts";
import { deadLetterSequence, subscriptionId } from "./subscription-names.ts";

/** Makes the implementation of EventsService.RedriveDeadLetters. */
export function createRedriveDeadLetters({
  engine,
}: SubscriptionContext): EventsMethod<"redriveDeadLetters"> {
  return async ({ parent, names }) => {
    const sequences = new Set(names.map((name, index) => sequenceOf(parent, name, index)));
    const wanted = names.length === 0 ? "all" : [...sequences].sort((a, b) => a - b);
    const redriven = await engine.redrive(subscriptionId(parent), wanted);
    return create(RedriveDeadLettersResponseSchema, { redriven });
  };
}

function sequenceOf(parent: string, name: string, index: number): number {
  const sequence = deadLetterSequence(parent, name);
  if (sequence !== undefined) return sequence;
  throw requestInvalid(
    `names[${index}]`,
    "must be the name of a dead letter of the parent",
    "dead_letter_name",
  );
}
