import { create } from "@bufbuild/protobuf";
import {
  type ApiErrorViolation,
  ApiErrorViolationSchema,
  ValidationBadResponseSchema,
  ValidationOkResponseSchema,
} from "../../gen/infobip/messages/v1/api_error_pb.js";
import type { Secret } from "../secret.ts";
import { isSuccess } from "./answers.ts";
import { isJsonObject, parseJson } from "./error-body.ts";
import type { ValidationAnswer } from "./infobip-client.ts";
import { cleanText } from "./upstream-text.ts";

/** Most entries of each list of a validation answer. */
export const MAX_LISTED_VIOLATIONS = 100;

/**
 * Reads the answer to validate, for which a 400 that lists violations is an
 * answer like any other. A 2xx must say so in the two documented texts: a
 * proxy's 200 must not pass for a verdict.
 */
export function readValidationAnswer(
  status: number,
  body: Buffer,
  secrets: readonly Secret[],
): ValidationAnswer | undefined {
  if (!isSuccess(status) && status !== 400) return undefined;
  const json = parseJson(body);
  if (!isJsonObject(json)) return undefined;
  const skippable = readViolations(json.skippableViolations, secrets);
  const texts = {
    ...textOf("description", json.description, secrets),
    ...textOf("action", json.action, secrets),
    skippableViolations: skippable.listed,
  };
  if (isSuccess(status)) {
    if (typeof json.description !== "string" || typeof json.action !== "string") return undefined;
    const response = create(ValidationOkResponseSchema, texts);
    return { valid: true, response, ...leftOut(0, skippable.leftOut) };
  }
  if (!Array.isArray(json.violations)) return undefined;
  const { listed, leftOut: cut } = readViolations(json.violations, secrets);
  const response = create(ValidationBadResponseSchema, { ...texts, violations: listed });
  return { valid: false, response, ...leftOut(cut, skippable.leftOut) };
}

function textOf<K extends string>(key: K, json: unknown, secrets: readonly Secret[]): { [P in K]?: string } {
  return typeof json === "string" ? ({ [key]: cleanText(json, secrets) } as { [P in K]: string }) : {};
}

function readViolations(
  json: unknown,
  secrets: readonly Secret[],
): { readonly listed: ApiErrorViolation[]; readonly leftOut: number } {
  const all: readonly unknown[] = Array.isArray(json) ? json : [];
  const listed = all.slice(0, MAX_LISTED_VIOLATIONS).map((item) => {
    const { property, violation } = isJsonObject(item) ? item : {};
    return create(ApiErrorViolationSchema, {
      ...textOf("property", property, secrets),
      ...textOf("violation", violation, secrets),
    });
  });
  return { listed, leftOut: all.length - listed.length };
}

function leftOut(violations: number, skippableViolations: number): Pick<ValidationAnswer, "leftOut"> {
  return violations + skippableViolations > 0 ? { leftOut: { violations, skippableViolations } } : {};
}
