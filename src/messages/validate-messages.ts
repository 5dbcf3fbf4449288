import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type { ApiErrorViolation } from "../../gen/infobip/messages/v1/api_error_pb.js";
import {
  type MessagesService,
  type MessageViolationSchema,
  MessageViolationSource,
  ValidateMessagesResponseSchema,
} from "../../gen/infobip/messages/v1/messages_service_pb.js";
import {
  type SendMessagesRequest,
  SendMessagesRequestSchema,
} from "../../gen/infobip/messages/v1/send_messages_pb.js";
import type { Violation } from "../errors.ts";
import { toFieldPath, toPropertyPath } from "../infobip/codec/paths.ts";
import type { LeftOut } from "../infobip/infobip-client.ts";
import { MAX_LISTED_VIOLATIONS } from "../infobip/validation-answer.ts";
import type { UnaryImplementation } from "../rpc/service-implementation.ts";
import { validate } from "../validation.ts";
import { encodeRequest } from "./encode-request.ts";
import type { MessagesContext } from "./messages-context.ts";
import { applyDefaults } from "./request-defaults.ts";
import { messageRuleViolations } from "./request-rules.ts";

type ViolationInit = MessageInitShape<typeof MessageViolationSchema>;

/**
 * MessagesService.ValidateMessages: own rules first; Infobip is asked only
 * when they hold. Must be bound without the request validation of the guards,
 * since violations are its answer. Each list is bounded by
 * MAX_LISTED_VIOLATIONS; the description says how many were left out.
 */
export function createValidateMessages(
  context: Pick<MessagesContext, "client" | "defaults">,
): UnaryImplementation<(typeof MessagesService)["method"]["validateMessages"]> {
  return async (request, call) => {
    const sent = create(SendMessagesRequestSchema, { messages: request.messages, options: request.options });
    const local = localViolations(sent);
    if (local.length > 0) return refused(local);
    if (request.localOnly === true) return accepted("The request keeps every rule of this service.");
    applyDefaults(sent, context.defaults);
    const answer = await context.client.validateMessages(encodeRequest(SendMessagesRequestSchema, sent), {
      signal: call.signal,
      timeoutMs: call.timeoutMs(),
      ...(call.trace && { traces: { parent: call.trace, links: [] } }),
      fieldPath: (property) => toFieldPath(SendMessagesRequestSchema, sent, property),
    });
    return create(ValidateMessagesResponseSchema, {
      valid: answer.valid,
      description: withLeftOut(answer.response.description ?? "", answer.leftOut),
      action: answer.response.action,
      violations: "violations" in answer.response ? fromUpstream(sent, answer.response.violations) : [],
      skippableViolations: fromUpstream(sent, answer.response.skippableViolations),
    });
  };
}

function localViolations(request: SendMessagesRequest): Violation[] {
  return [...validate(SendMessagesRequestSchema, request), ...messageRuleViolations(request)];
}

function refused(violations: readonly Violation[]) {
  const listed = violations.slice(0, MAX_LISTED_VIOLATIONS);
  const leftOut = { violations: violations.length - listed.length, skippableViolations: 0 };
  return create(ValidateMessagesResponseSchema, {
    valid: false,
    description: withLeftOut("The request breaks rules of this service; Infobip was not asked.", leftOut),
    action: "Mend the violations and validate again.",
    violations: listed.map(fromRule),
  });
}

/** Says in the description what the bound of the lists has cut. */
function withLeftOut(description: string, leftOut: LeftOut | undefined): string {
  const { violations = 0, skippableViolations = 0 } = leftOut ?? {};
  return [
    description,
    violations > 0 ? `Left out: ${violations} more violations.` : "",
    skippableViolations > 0 ? `Left out: ${skippableViolations} more skippable violations.` : "",
  ]
    .filter((sentence) => sentence !== "")
    .join(" ");
}

function accepted(description: string) {
  return create(ValidateMessagesResponseSchema, {
    valid: true,
    description,
    action: "Send it, or validate without local_only to ask Infobip too.",
  });
}

function fromRule(violation: Violation): ViolationInit {
  return {
    field: violation.field,
    property: toPropertyPath(SendMessagesRequestSchema, violation.field),
    description: violation.description,
    source: MessageViolationSource.LOCAL,
  };
}

function fromUpstream(
  request: SendMessagesRequest,
  violations: readonly ApiErrorViolation[],
): ViolationInit[] {
  return violations.map((violation) => ({
    field: toFieldPath(SendMessagesRequestSchema, request, violation.property ?? ""),
    property: violation.property ?? "",
    description: violation.violation ?? "",
    source: MessageViolationSource.UPSTREAM,
  }));
}
