import { type DescField, isFieldSet, ScalarType } from "@bufbuild/protobuf";
import {
  type FieldRules,
  FieldRulesSchema,
  MapRulesSchema,
  type RepeatedRules,
  RepeatedRulesSchema,
} from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { ACCEPT_ALL, type Accepts, both } from "./acceptance.ts";
import type { FieldCompiler } from "./compile-field.ts";
import { hasOnly, onlyRules } from "./known-rules.ts";
import { NO_RULES, valueRules } from "./value-rules.ts";

/** A repeated field. */
export type ListField = DescField & { fieldKind: "list" };
/** A map field. */
export type MapField = DescField & { fieldKind: "map" };

/** Compiles the rules of a list, those in CEL aside, and of its items into a check of the list. */
export function listRules(field: ListField, { type }: FieldRules, compiler: FieldCompiler): Accepts {
  if (type.case === undefined) return everyItem(elementRules(field, NO_RULES, compiler));
  if (type.case !== "repeated") return compiler.refuse(field.toString());
  const items = isFieldSet(type.value, RepeatedRulesSchema.field.items) ? type.value.items : undefined;
  return both(
    sizeRules(field, type.value, compiler),
    everyItem(elementRules(field, items ?? NO_RULES, compiler)),
  );
}

function sizeRules(field: ListField, value: RepeatedRules, compiler: FieldCompiler): Accepts {
  const rules = onlyRules(RepeatedRulesSchema, value, ["minItems", "maxItems", "unique", "items"]);
  if (rules === undefined) return compiler.refuse(field.toString());
  const unique = rules.unique === true;
  // Messages, bytes and floats can be equal without being the same value.
  if (unique && field.listKind !== "enum" && field.scalar !== ScalarType.STRING) {
    return compiler.refuse(`${field.toString()}: unique`);
  }
  const min = Number(rules.minItems ?? 0);
  const max = Number(rules.maxItems ?? Number.POSITIVE_INFINITY);
  return (list) => {
    const { length } = list as readonly unknown[];
    if (length < min || length > max) return false;
    return !unique || new Set(list as readonly unknown[]).size === length;
  };
}

/** Rules of the items of a list, or of the values of a map. */
function elementRules(field: ListField | MapField, rules: FieldRules, compiler: FieldCompiler): Accepts {
  if (rules === NO_RULES) return field.message === undefined ? ACCEPT_ALL : compiler.message(field.message);
  const { case: type } = rules.type;
  if (!hasOnly(FieldRulesSchema, rules, type === undefined ? [] : [type]))
    return compiler.refuse(field.toString());
  const own = valueRules(field, rules, compiler);
  return field.message === undefined ? own : both(own, compiler.message(field.message));
}

/** Compiles the rules of a map, those in CEL aside, and of its values into a check of the map. */
export function mapRules(field: MapField, { type }: FieldRules, compiler: FieldCompiler): Accepts {
  const values = everyValue(elementRules(field, NO_RULES, compiler));
  if (type.case === undefined) return values;
  const rules =
    type.case === "map" ? onlyRules(MapRulesSchema, type.value, ["minPairs", "maxPairs"]) : undefined;
  if (rules === undefined) return compiler.refuse(field.toString());
  const min = Number(rules.minPairs ?? 0);
  const max = Number(rules.maxPairs ?? Number.POSITIVE_INFINITY);
  const size: Accepts = (map) => {
    const { length } = Object.keys(map as object);
    return length >= min && length <= max;
  };
  return both(size, values);
}

function everyItem(accepts: Accepts): Accepts {
  if (accepts === ACCEPT_ALL) return ACCEPT_ALL;
  return (list) => {
    for (const item of list as readonly unknown[]) if (!accepts(item)) return false;
    return true;
  };
}

function everyValue(accepts: Accepts): Accepts {
  return accepts === ACCEPT_ALL ? ACCEPT_ALL : (map) => Object.values(map as object).every(accepts);
}
