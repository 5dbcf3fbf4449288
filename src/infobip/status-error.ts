import { ServiceError, UPSTREAM_DOMAIN, type Violation } from "../errors.ts";
import { type ErrorBody, readErrorBody } from "./error-body.ts";
import { type ErrorContext, outcomeMetadata } from "./error-context.ts";
import type { HttpAnswer } from "./exchange.ts";
import { readRetryAfter } from "./retry-after.ts";
import { statusRule } from "./status-rules.ts";
import { cleanText } from "./upstream-text.ts";

/** Most violations in one error. */
export const MAX_VIOLATIONS = 100;
/** Most bytes of violations in one error: gRPC clients refuse trailers beyond 8 KiB, details included. */
export const MAX_VIOLATION_BYTES = 2_400;

/** Makes the error for an answer whose status is no success. */
export function statusError(answer: HttpAnswer, context: ErrorContext): ServiceError {
  const rule = statusRule(answer.status, context.kind);
  const body = readErrorBody(answer.body);
  const { violations, leftOut } = listViolations(body, context);
  return new ServiceError(rule.code, rule.reason, withUpstreamText(rule.text, body, context), {
    domain: UPSTREAM_DOMAIN,
    metadata: {
      ...outcomeMetadata(context, rule.outcome),
      http_status: String(answer.status),
      ...(body.upstreamCode === "" ? {} : { upstream_code: body.upstreamCode }),
      ...(leftOut > 0 ? { violations_left_out: String(leftOut) } : {}),
    },
    violations,
    ...(rule.retryable ? { retryDelayMs: readRetryAfter(answer.headers["retry-after"], context.now) } : {}),
  });
}

function withUpstreamText(text: string, body: ErrorBody, context: ErrorContext): string {
  const said = cleanText(`${body.description} ${body.action}`, context.secrets);
  return said === "" ? text : `${text}. Infobip says: ${said}`;
}

function listViolations(
  body: ErrorBody,
  context: ErrorContext,
): { readonly violations: Violation[]; readonly leftOut: number } {
  // Only an ordinary call has fields that a violation could be about.
  if (context.kind === "TOKEN") return { violations: [], leftOut: 0 };
  const violations: Violation[] = [];
  let bytes = 0;
  for (const { property, description } of body.violations) {
    const violation = {
      // A path can hold keys that the caller or Infobip made up.
      field: cleanText(context.fieldPath?.(property) || property, context.secrets),
      description: cleanText(description, context.secrets),
    };
    bytes += Buffer.byteLength(violation.field) + Buffer.byteLength(violation.description);
    if (violations.length === MAX_VIOLATIONS || bytes > MAX_VIOLATION_BYTES) break;
    violations.push(violation);
  }
  return { violations, leftOut: body.violations.length - violations.length };
}
