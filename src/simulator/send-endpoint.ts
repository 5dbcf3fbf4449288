import { SendMessagesRequestSchema } from "../../gen/infobip/messages/v1/send_messages_pb.js";
import type { AcceptedMessage, Attempt } from "./accepted-message.ts";
import { type Answer, errorAnswer } from "./api-errors.ts";
import { type Behaviour, behaviourNamed, behaviourNameFor } from "./behaviours.ts";
import { MAX_OUTSTANDING_CALLBACKS } from "./limits.ts";
import { readMessages } from "./read-messages.ts";
import type { SimulatorState } from "./state.ts";
import { STATUSES, type Status, type StatusName } from "./statuses.ts";

/** How a request's messages are treated beyond their behaviours. */
export interface SendTreatment {
  /** Refuse every second message: the fault `partial-rejection`. */
  readonly rejectEverySecond: boolean;
}

/** POST /messages-api/1/messages. Unknown properties are tolerated, broken rules are not. */
export async function answerSend(
  json: unknown,
  state: SimulatorState,
  treatment: SendTreatment,
): Promise<Answer> {
  const { errorStyle, clock } = state.options;
  if (state.outstanding.count > MAX_OUTSTANDING_CALLBACKS) return errorAnswer(429, { style: errorStyle });
  const { message: request, violations } = state.rules.judge(SendMessagesRequestSchema, json);
  if (violations.length > 0) return errorAnswer(400, { style: errorStyle, violations });
  const { bulkId, messages } = readMessages(request, {
    defaults: {
      sender: state.options.defaultSender,
      deliveryUrl: state.options.deliveryUrl,
      seenUrl: state.options.seenUrl,
      clickUrl: state.options.clickUrl,
    },
    nowMs: clock.now(),
    nextId: () => state.ids.next(),
  });
  const early: Promise<void>[] = [];
  const answers = messages.map((message, index) => {
    const forced = treatment.rejectEverySecond && index % 2 === 1;
    const status = receive(message, state, forced, early);
    return answerFor(message.messageId, STATUSES[status], message.attempts[0].to);
  });
  await Promise.all(early);
  return { status: 200, body: JSON.stringify({ bulkId, messages: answers }) };
}

/** One entry of the answer, its properties in the order that Infobip publishes. */
export function answerFor(messageId: string, status: Status, destination: string) {
  return { messageId, status, destination };
}

function receive(
  message: AcceptedMessage,
  state: SimulatorState,
  forced: boolean,
  early: Promise<void>[],
): StatusName {
  const { options, ledger } = state;
  if (options.refuseDuplicates && ledger.counts(message.messageId).accepted > 0) {
    ledger.record(message, "duplicates");
    return "REJECTED_DUPLICATE_MESSAGE_ID";
  }
  const behaviourOf = behaviourSource(state);
  const reject = forced ? "REJECTED_NOT_ENOUGH_CREDITS" : behaviourOf(message.attempts[0]).reject;
  if (reject !== undefined) {
    ledger.record(message, "rejected");
    return reject;
  }
  ledger.record(message, "accepted");
  options.onAccepted?.(message);
  early.push(state.callbacks.plan(message, behaviourOf));
  return "MESSAGE_ACCEPTED";
}

/** Asks the option first and the address second. */
function behaviourSource({ options }: SimulatorState): (attempt: Attempt) => Behaviour {
  return (attempt) => {
    const chosen = options.behaviours?.(attempt) ?? behaviourNameFor(attempt.to, attempt.step);
    return typeof chosen === "string" ? behaviourNamed(chosen, options) : chosen;
  };
}
