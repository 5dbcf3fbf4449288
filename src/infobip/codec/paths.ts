import type { DescMessage, Message } from "@bufbuild/protobuf";
import { type AnyMessage, type MemberPlan, planOf, type UnionPlan } from "./plan.ts";

/** Longest path that is translated, in steps; the contract needs 20. */
const MAX_STEPS = 128;
const STEP = /\.?([^.[\]]+)|\[("(?:[^"\\]|\\.)*"|\d+)\]/gy;

type Step = { readonly name: string } | { readonly subscript: string };

function stepsOf(path: string): Step[] | undefined {
  const steps: Step[] = [];
  STEP.lastIndex = 0;
  while (STEP.lastIndex < path.length) {
    const match = STEP.exec(path);
    if (!match || steps.length >= MAX_STEPS) return undefined;
    steps.push(match[1] === undefined ? { subscript: match[2] ?? "" } : { name: match[1] });
  }
  return steps;
}

function join(parts: readonly string[]): string {
  return parts.reduce((path, part) => path + (path === "" || part.startsWith("[") ? part : `.${part}`), "");
}

/** Where a walk through the types stands: at a message, or past the typed part. */
interface Place {
  readonly schema: DescMessage | undefined;
  readonly message: AnyMessage | undefined;
}

/**
 * Turns a property path of Infobip's JSON, such as
 * `messages[0].content.body.text`, into the path of the protobuf field, such as
 * `messages[0].message.content.body.text.text`. `message` tells which variants
 * its unions hold. A discriminator becomes the name of its oneof. Empty when
 * no field corresponds.
 */
export function toFieldPath(schema: DescMessage, message: Message | undefined, property: string): string {
  const steps = stepsOf(property);
  if (!steps) return "";
  const parts: string[] = [];
  let place: Place = { schema, message: message as AnyMessage | undefined };
  for (let index = 0; index < steps.length; index++) {
    const step = steps[index] as Step;
    if ("subscript" in step) {
      parts.push(`[${step.subscript}]`);
      continue;
    }
    if (!place.schema) return "";
    const next = enterProperty(place, step.name, parts);
    if (!next) return "";
    const following = steps[index + 1];
    const element = following && "subscript" in following ? Number(following.subscript) : undefined;
    place = element === undefined ? next : elementOf(next, element);
  }
  return join(parts);
}

function elementOf(place: Place, index: number): Place {
  const list: unknown = place.message;
  const element = Array.isArray(list) ? (list[index] as AnyMessage | undefined) : undefined;
  return { schema: place.schema, message: element };
}

/** Takes one step by JSON name, pushing the names of the variants and the field it passes. */
function enterProperty(place: Place, jsonName: string, parts: string[]): Place | undefined {
  let { schema, message } = place;
  while (schema) {
    const plan = planOf(schema);
    if (plan.kind === "object") return enterMember(plan, jsonName, message, parts);
    if (plan.discriminator === jsonName) {
      parts.push(jsonName);
      return { schema: undefined, message: undefined };
    }
    const variant = variantIn(plan, message, jsonName);
    if (!variant) return undefined;
    parts.push(variant.name);
    ({ schema, message } = variant);
  }
  return undefined;
}

function enterMember(
  plan: { readonly byJsonName: ReadonlyMap<string, MemberPlan>; readonly spread: MemberPlan | undefined },
  jsonName: string,
  message: AnyMessage | undefined,
  parts: string[],
): Place | undefined {
  const member = plan.byJsonName.get(jsonName);
  if (member) {
    parts.push(member.field.name);
    const schema = member.value.kind === "message" ? member.value.schema : undefined;
    return { schema, message: message?.[member.name] as AnyMessage | undefined };
  }
  if (!plan.spread) return undefined;
  parts.push(plan.spread.field.name, `[${JSON.stringify(jsonName)}]`);
  return { schema: undefined, message: undefined };
}

function variantIn(plan: UnionPlan, message: AnyMessage | undefined, jsonName: string) {
  const chosen = message?.[plan.name] as { case?: string; value?: AnyMessage } | undefined;
  const set = chosen?.case === undefined ? undefined : plan.byCase.get(chosen.case);
  if (set) return { name: set.field.name, schema: set.schema, message: chosen?.value };
  const owner = plan.variants.filter((variant) => hasProperty(variant.schema, jsonName));
  const only = owner.length === 1 ? owner[0] : undefined;
  return only && { name: only.field.name, schema: only.schema, message: undefined };
}

function hasProperty(schema: DescMessage, jsonName: string): boolean {
  const plan = planOf(schema);
  return plan.kind === "object" && plan.byJsonName.has(jsonName);
}

/**
 * Turns the path of a protobuf field into the property path of Infobip's JSON:
 * variants vanish, names become camelCase, a placeholder becomes a property.
 * Parts that have no counterpart are kept as they are.
 */
export function toPropertyPath(schema: DescMessage, fieldPath: string): string {
  const parts: string[] = [];
  let current: DescMessage | undefined = schema;
  let spread = false;
  for (const step of stepsOf(fieldPath) ?? []) {
    if ("subscript" in step) {
      parts.push(spread ? (JSON.parse(step.subscript) as string) : `[${step.subscript}]`);
      continue;
    }
    const next: Landing = land(current, step.name);
    if (next.part !== undefined) parts.push(next.part);
    current = next.schema;
    spread = next.spread;
  }
  return join(parts);
}

interface Landing {
  /** Undefined for what has no place in the JSON path: a variant, a spread map. */
  readonly part: string | undefined;
  readonly schema: DescMessage | undefined;
  readonly spread: boolean;
}

function land(schema: DescMessage | undefined, name: string): Landing {
  const plan = schema && planOf(schema);
  if (!plan) return { part: name, schema: undefined, spread: false };
  if (plan.kind === "union") {
    const variant = plan.variants.find((candidate) => candidate.field.name === name);
    if (variant) return { part: undefined, schema: variant.schema, spread: false };
    return { part: name === plan.discriminator ? name : undefined, schema: undefined, spread: false };
  }
  const member = plan.members.find((candidate) => candidate.field.name === name);
  if (!member) return { part: name, schema: undefined, spread: false };
  if (member.kind === "spread") return { part: undefined, schema: undefined, spread: true };
  const next = member.value.kind === "message" ? member.value.schema : undefined;
  return { part: member.jsonName, schema: next, spread: false };
}
