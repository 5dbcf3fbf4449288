import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import { validate } from "../validation.ts";
import { requestInvalid } from "./refusal.ts";

/**
 * Throws INVALID_ARGUMENT REQUEST_INVALID when a request breaks rules of the
 * proto files, with a violation for each; its text names the first.
 */
export function checkRequest<D extends DescMessage>(schema: D, request: MessageShape<D>): void {
  const violations = validate(schema, request);
  const first = violations[0];
  if (first === undefined) return;
  const others = violations.length > 1 ? ` (and ${violations.length - 1} more)` : "";
  const where = first.field === "" ? "" : `${first.field}: `;
  throw requestInvalid(`the request breaks a rule${others}: ${where}${first.description}`, violations);
}
