import { SendEventsRequestSchema } from "../../gen/infobip/messages/v1/messages_service_pb.js";
import { type Answer, errorAnswer } from "./api-errors.ts";
import { answerFor } from "./send-endpoint.ts";
import type { SimulatorState } from "./state.ts";
import { STATUSES } from "./statuses.ts";

/** POST /messages-api/1/events: every destination of a valid request is accepted; nothing is reported back. */
export function answerEvents(json: unknown, state: SimulatorState): Answer {
  const { message: request, violations } = state.rules.judge(SendEventsRequestSchema, json);
  if (violations.length > 0) return errorAnswer(400, { style: state.options.errorStyle, violations });
  const bulkId = state.ids.next();
  const messages = request.events
    .flatMap((outbound) => outbound.event.value?.destinations ?? [])
    .map(({ to = "", messageId }) => answerFor(messageId ?? state.ids.next(), STATUSES.MESSAGE_ACCEPTED, to));
  state.eventsAccepted += messages.length;
  return { status: 200, body: JSON.stringify({ bulkId, messages }) };
}
