import { SendMessagesRequestSchema } from "../../gen/infobip/messages/v1/send_messages_pb.js";
import { type Answer, errorAnswer, validationBadAnswer } from "./api-errors.ts";
import type { SimulatorState } from "./state.ts";

const OK_TEXTS = {
  description: "Request can be sent through '/messages' endpoint and should be accepted by our platform.",
  action: "No action is required, but it is recommended to check and address any violations.",
};

/** POST /messages-api/1/messages/validate. Reports unknown properties; sends nothing. */
export function answerValidate(json: unknown, state: SimulatorState): Answer {
  if (!state.validateRate.take()) return errorAnswer(429, { style: state.options.errorStyle });
  const { violations, skippableViolations } = state.rules.judge(SendMessagesRequestSchema, json);
  if (violations.length > 0) return validationBadAnswer(violations, skippableViolations);
  return { status: 200, body: JSON.stringify({ ...OK_TEXTS, skippableViolations }) };
}
