import type { Rule } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { type Accepts, every } from "./acceptance.ts";
import { CONTENT_PREDICATES } from "./cel-content.ts";
import { MESSAGE_PREDICATES } from "./cel-message.ts";
import { OPTION_PREDICATES } from "./cel-options.ts";
import type { CelPredicate } from "./cel-predicate.ts";

/** What is told of rules that are not understood. */
export interface RuleCompiler {
  /** Notes it and gives a check that accepts nothing. */
  refuse(what: string): Accepts;
}

const KNOWN: readonly CelPredicate[] = [...MESSAGE_PREDICATES, ...CONTENT_PREDICATES, ...OPTION_PREDICATES];

/** Checks a value by rules in CEL that stand at a type or a field, given by its full name. */
export function celPredicates(rules: readonly Rule[], place: string, compiler: RuleCompiler): Accepts {
  return every(rules.map((rule) => predicateOf(rule, place) ?? compiler.refuse(`${place}: ${rule.id}`)));
}

/** By the text of the expression: a rule that has changed is another one. */
function predicateOf({ id, expression }: Rule, place: string): Accepts | undefined {
  return KNOWN.find(
    (known) => known.id === id && known.expression === expression && known.places.includes(place),
  )?.accepts;
}
