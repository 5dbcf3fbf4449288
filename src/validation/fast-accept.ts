import type { DescMessage, Message } from "@bufbuild/protobuf";
import { type CompiledRules, compileRules } from "./compile-message.ts";

const compiled = new WeakMap<DescMessage, CompiledRules>();

/** The compiled rules of a message type, made at the type's first use. */
export function compiledRulesOf(schema: DescMessage): CompiledRules {
  let rules = compiled.get(schema);
  if (rules === undefined) {
    rules = compileRules(schema);
    compiled.set(schema, rules);
  }
  return rules;
}

/**
 * Whether a message certainly keeps its rules, for a fraction of what
 * protovalidate costs. False says nothing: it may keep them all the same.
 */
export function certainlyValid(schema: DescMessage, message: Message): boolean {
  if (message.$typeName !== schema.typeName) return false;
  try {
    return compiledRulesOf(schema).accepts(message);
  } catch {
    // Not a message of its type, or too deep for the stack.
    return false;
  }
}
