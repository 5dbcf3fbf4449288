import { Code } from "@connectrpc/connect";
import { ServiceError } from "../errors.ts";

/**
 * The error for a request that breaks a rule which the proto files cannot say.
 *
 * @param field path of the field
 * @param description what would be right; holds no value of the request
 * @param rule id of the rule
 */
export function requestInvalid(field: string, description: string, rule: string): ServiceError {
  return new ServiceError(
    Code.InvalidArgument,
    "REQUEST_INVALID",
    `the request breaks a rule: ${field}: ${description}`,
    { violations: [{ field, description, reason: rule }] },
  );
}
