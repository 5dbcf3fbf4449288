import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import { pathToString } from "@bufbuild/protobuf/reflect";
import type { Violation as RuleViolation, Validator } from "@bufbuild/protovalidate";
import type { Violation } from "./errors.ts";
import { enumNames } from "./infobip/codec/enum-names.ts";
import { certainlyValid, compiledRulesOf } from "./validation/fast-accept.ts";
import { loadProtovalidate } from "./validation/load-protovalidate.ts";

/** Evaluating can fail by the message alone, such as by a stack that is too small for its depth. */
const NOT_EVALUATED: Violation = {
  field: "",
  description: "the request is too large or too deep for its rules to be evaluated",
  reason: "rule_evaluation",
};

let validator: Validator | undefined;

/**
 * Checks a message against the rules in its proto file and returns what is
 * wrong, in the order of the fields. Descriptions name the bound, never the
 * value. A rule that cannot be evaluated for this message is a violation
 * without a field; a rule that is broken in itself is thrown. Cheap for a valid
 * message; the first invalid one waits until protovalidate is loaded, and a
 * type's first until its rules are compiled.
 */
export function validate<D extends DescMessage>(schema: D, message: MessageShape<D>): Violation[] {
  if (certainlyValid(schema, message)) return [];
  const { CompilationError, createValidator } = loadProtovalidate();
  validator ??= createValidator();
  const result = validator.validate(schema, message);
  if (result.kind === "error") {
    if (result.error instanceof CompilationError) throw result.error;
    return [NOT_EVALUATED];
  }
  return result.kind === "invalid" ? result.violations.map(describe) : [];
}

/** Compiles the rules of a message type for {@link validate}, so that the first message does not wait for it. */
export function prepareValidation(schema: DescMessage): void {
  compiledRulesOf(schema);
}

function describe(violation: RuleViolation): Violation {
  return {
    field: pathToString(violation.field),
    description: describeEnum(violation) ?? violation.message,
    reason: violation.ruleId,
  };
}

/** The library lists allowed enum values as numbers; callers know them by name. */
function describeEnum(violation: RuleViolation): string | undefined {
  if (!violation.ruleId.startsWith("enum.")) return undefined;
  const field = violation.field.findLast((step) => "kind" in step && step.kind === "field");
  if (!field || !("kind" in field) || field.kind !== "field" || !field.enum) return undefined;
  const allowed = violation.message
    .match(/\[([\d, ]+)\]/)?.[1]
    ?.split(",")
    .map(Number);
  const names = enumNames(field.enum).names;
  const listed = violation.ruleId === "enum.in" && allowed ? allowed : [...names.keys()];
  return `must be one of ${listed.map((number) => names.get(number) ?? number).join(", ")}`;
}
