import { type StringRules, StringRulesSchema } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { type Accepts, every } from "./acceptance.ts";
import { onlyRules } from "./known-rules.ts";

/** Patterns, anchored and of ASCII, that mean the same to RegExp as to RE2. */
const PLAIN_PATTERN =
  /^\^(?:[A-Za-z0-9/_~-]|\\[d+.]|\[[A-Za-z0-9._~-]+\]|\((?!\?)|\)\??|[*+?]|\{\d+(?:,\d*)?\})*\$$/;

/** Compiles the rules of a text; undefined when one of them is not understood. */
export function textRules(value: StringRules): Accepts | undefined {
  const rules = onlyRules(StringRulesSchema, value, [
    "minLen",
    "maxLen",
    "minBytes",
    "maxBytes",
    "pattern",
    "in",
  ]);
  if (rules === undefined || !(rules.pattern === undefined || PLAIN_PATTERN.test(rules.pattern))) {
    return undefined;
  }
  const checks: Accepts[] = [];
  if (rules.minLen !== undefined) checks.push(atLeast(Number(rules.minLen)));
  if (rules.maxLen !== undefined) checks.push(atMost(Number(rules.maxLen)));
  if (rules.minBytes !== undefined || rules.maxBytes !== undefined) {
    const [min, max] = [Number(rules.minBytes ?? 0), Number(rules.maxBytes ?? Number.POSITIVE_INFINITY)];
    checks.push((text) => {
      const bytes = Buffer.byteLength(text as string);
      return bytes >= min && bytes <= max;
    });
  }
  if (rules.pattern !== undefined) {
    const pattern = new RegExp(rules.pattern);
    checks.push((text) => pattern.test(text as string));
  }
  if (rules.in !== undefined) {
    const allowed = new Set(rules.in);
    checks.push((text) => allowed.has(text as string));
  }
  return every(checks);
}

// A character is one or two units of UTF-16: counting them is needed in between only.

function atLeast(characters: number): Accepts {
  return (text) => {
    const { length } = text as string;
    return length >= characters && (length >= 2 * characters || charactersOf(text as string) >= characters);
  };
}

function atMost(characters: number): Accepts {
  return (text) => {
    const { length } = text as string;
    return length <= characters || (length <= 2 * characters && charactersOf(text as string) <= characters);
  };
}

/** Code points; half of a pair counts as one. */
function charactersOf(text: string): number {
  let count = 0;
  for (let at = 0; at < text.length; count++) at += (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
  return count;
}
