import { create, type DescEnum, type DescField, ScalarType } from "@bufbuild/protobuf";
import {
  DoubleRulesSchema,
  DurationRulesSchema,
  type EnumRules,
  EnumRulesSchema,
  type FieldRules,
  FieldRulesSchema,
  Int32RulesSchema,
} from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { ACCEPT_ALL, type Accepts } from "./acceptance.ts";
import type { RuleCompiler } from "./cel-predicates.ts";
import { hasOnly, onlyRules } from "./known-rules.ts";
import { durationRange, numberRange } from "./range-rules.ts";
import { textRules } from "./text-rules.ts";

/** For what has none. */
export const NO_RULES: FieldRules = create(FieldRulesSchema);

const RANGE = ["lt", "lte", "gt", "gte"];

/** Compiles the rules that are made for a value's type, those in CEL aside, into a check of the value. */
export function valueRules(field: DescField, { type }: FieldRules, compiler: RuleCompiler): Accepts {
  if (type.case === undefined) return ACCEPT_ALL;
  return ofType(field, type) ?? compiler.refuse(`${field.toString()}: ${type.case}`);
}

/** undefined when the rules are not for such a value, or not understood. */
function ofType(field: DescField, type: FieldRules["type"]): Accepts | undefined {
  switch (type.case) {
    case "string":
      return field.scalar === ScalarType.STRING ? textRules(type.value) : undefined;
    case "enum":
      return field.enum === undefined ? undefined : enumRules(field.enum, type.value);
    case "int32":
      if (field.scalar !== ScalarType.INT32 || !hasOnly(Int32RulesSchema, type.value, RANGE))
        return undefined;
      return numberRange(type.value);
    case "double":
      if (
        field.scalar !== ScalarType.DOUBLE ||
        !hasOnly(DoubleRulesSchema, type.value, [...RANGE, "finite"])
      ) {
        return undefined;
      }
      return numberRange(type.value, type.value.finite);
    case "duration":
      if (field.message?.typeName !== "google.protobuf.Duration") return undefined;
      return hasOnly(DurationRulesSchema, type.value, RANGE) ? durationRange(type.value) : undefined;
    default:
      return undefined;
  }
}

function enumRules(desc: DescEnum, value: EnumRules): Accepts | undefined {
  const rules = onlyRules(EnumRulesSchema, value, ["definedOnly", "in", "notIn"]);
  if (rules === undefined) return undefined;
  const excluded = new Set(rules.notIn);
  const allowed = rules.in ?? desc.values.map(({ number }) => number);
  const defined = new Set(desc.values.map(({ number }) => number));
  const isOpen = rules.in === undefined && rules.definedOnly !== true;
  const accepted = new Set(
    allowed.filter((number) => !excluded.has(number) && (rules.definedOnly !== true || defined.has(number))),
  );
  return isOpen ? (number) => !excluded.has(number as number) : (number) => accepted.has(number as number);
}
