import { type DescField, type DescMessage, getOption, hasOption, ScalarType } from "@bufbuild/protobuf";
import { FeatureSet_FieldPresence, isWrapperDesc } from "@bufbuild/protobuf/wkt";
import {
  type FieldRules,
  FieldRulesSchema,
  field as fieldOption,
  Ignore,
} from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { ACCEPT_ALL, type Accepts, type AnyMessage, both } from "./acceptance.ts";
import { celPredicates, type RuleCompiler } from "./cel-predicates.ts";
import { listRules, mapRules } from "./collection-rules.ts";
import { hasOnly } from "./known-rules.ts";
import { NO_RULES, valueRules } from "./value-rules.ts";

/** What fields need of the compiler of messages. */
export interface FieldCompiler extends RuleCompiler {
  /** Compiles the type of a message field. */
  message(desc: DescMessage): Accepts;
}

/** The rules of a field whose kind of rules is checked apart; undefined when one of them is not understood. */
function fieldRulesOf(field: DescField): FieldRules | undefined {
  if (!hasOption(field, fieldOption)) return NO_RULES;
  const rules = getOption(field, fieldOption);
  const type = rules.type.case;
  const names = ["required", "ignore", "cel"];
  if (type !== undefined) names.push(type);
  return hasOnly(FieldRulesSchema, rules, names) ? rules : undefined;
}

/** Compiles the rules of a field outside of a oneof into a check of its message. */
export function compileMember(field: DescField, compiler: FieldCompiler): Accepts {
  const rules = fieldRulesOf(field);
  if (rules === undefined || rules.ignore === Ignore.IF_ZERO_VALUE) return compiler.refuse(field.toString());
  if (rules.ignore === Ignore.ALWAYS) return ACCEPT_ALL;
  const accepts = memberRules(field, rules, compiler);
  const isAbsent = rules.required ? absenceOf(field) : undefined;
  const name = field.localName;
  if (isAbsent !== undefined) {
    return (message) => {
      const value = (message as AnyMessage)[name];
      return !isAbsent(value) && accepts(value);
    };
  }
  if (accepts === ACCEPT_ALL) return ACCEPT_ALL;
  // What has no presence is checked even while it is zero.
  return (message) => {
    const value = (message as AnyMessage)[name];
    return value === undefined || accepts(value);
  };
}

/** Compiles the rules of a oneof's field into a check of its value. */
export function compileChoice(field: DescField, compiler: FieldCompiler): Accepts {
  const rules = fieldRulesOf(field);
  const isKnown = rules !== undefined && !rules.required && rules.ignore === Ignore.UNSPECIFIED;
  return isKnown ? singleRules(field, rules, compiler) : compiler.refuse(field.toString());
}

function memberRules(field: DescField, rules: FieldRules, compiler: FieldCompiler): Accepts {
  if (field.fieldKind === "list")
    return both(listRules(field, rules, compiler), celRules(field, rules, compiler));
  if (field.fieldKind === "map")
    return both(mapRules(field, rules, compiler), celRules(field, rules, compiler));
  return singleRules(field, rules, compiler);
}

function celRules(field: DescField, rules: FieldRules, compiler: FieldCompiler): Accepts {
  return celPredicates(rules.cel, `${field.parent.typeName}.${field.name}`, compiler);
}

function singleRules(field: DescField, rules: FieldRules, compiler: FieldCompiler): Accepts {
  const own = both(valueRules(field, rules, compiler), celRules(field, rules, compiler));
  if (field.message === undefined) return own;
  // A wrapper's field holds the bare value.
  if (isWrapperDesc(field.message)) {
    return own === ACCEPT_ALL ? own : compiler.refuse(`${field.toString()}: a wrapped value`);
  }
  return both(own, compiler.message(field.message));
}

function absenceOf(field: DescField): (value: unknown) => boolean {
  if (field.fieldKind === "list") return (value) => (value as readonly unknown[]).length === 0;
  if (field.fieldKind === "map") return (value) => Object.keys(value as object).length === 0;
  if (field.presence !== FeatureSet_FieldPresence.IMPLICIT) return (value) => value === undefined;
  if (field.fieldKind === "enum") {
    const zero = field.enum.values[0]?.number;
    return (value) => value === zero;
  }
  if (field.scalar === ScalarType.BYTES) return (value) => (value as Uint8Array).length === 0;
  // 0, 0n, "" and false.
  return (value) => !value;
}
