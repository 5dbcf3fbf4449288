import { create, type DescMessage, type MessageShape } from "@bufbuild/protobuf";
import { TimestampSchema } from "@bufbuild/protobuf/wkt";
import { formatDateTime, parseDateTime } from "./date-time.ts";
import {
  type AnyMessage,
  type MemberPlan,
  type ObjectPlan,
  planOf,
  type UnionPlan,
  type ValuePlan,
  type VariantPlan,
} from "./plan.ts";

/** Something in a JSON body that the message cannot hold as it stands. */
export interface DecodeIssue {
  /** Path of the property, such as `messages[0].content.body.text`; empty for the body itself. */
  readonly property: string;
  /** UNKNOWN_PROPERTY: the contract has no such property. INVALID_VALUE: the value is not of its type. */
  readonly kind: "UNKNOWN_PROPERTY" | "INVALID_VALUE";
  /** What was expected. Never holds the value. */
  readonly description: string;
}

type Json = Record<string, unknown>;

interface State {
  readonly issues: DecodeIssue[];
}

/**
 * Reads Infobip's JSON, already parsed, into a message. Never throws, and goes
 * only as deep as the types do, whatever the body: what
 * cannot be read is left unset and listed. A number or boolean where text is
 * expected, and a number in text where a number is expected, are taken and
 * listed. A null is taken as absent.
 */
export function decodeRest<D extends DescMessage>(
  schema: D,
  json: unknown,
): { message: MessageShape<D>; issues: DecodeIssue[] } {
  const state: State = { issues: [] };
  const message = readMessage(state, schema, json) ?? create(schema);
  return { message: message as MessageShape<D>, issues: state.issues };
}

function report(
  state: State,
  property: string,
  description: string,
  kind: DecodeIssue["kind"] = "INVALID_VALUE",
) {
  state.issues.push({ property, kind, description });
}

function isObject(json: unknown): json is Json {
  return typeof json === "object" && json !== null && !Array.isArray(json);
}

function readMessage(state: State, schema: DescMessage, json: unknown): AnyMessage | undefined {
  if (!isObject(json)) {
    report(state, "", "expected an object");
    return undefined;
  }
  const plan = planOf(schema);
  return plan.kind === "union"
    ? readUnion(state, schema, plan, json)
    : readObject(state, schema, plan, json, undefined);
}

function readUnion(state: State, schema: DescMessage, plan: UnionPlan, json: Json): AnyMessage {
  const message = create(schema) as AnyMessage;
  const variant = plan.discriminator === undefined ? selectByPresence(plan, json) : selectByValue(plan, json);
  if (variant) {
    const variantPlan = planOf(variant.schema);
    if (variantPlan.kind !== "object") throw new Error(`${variant.schema.typeName}: a variant is no union`);
    const value = readObject(state, variant.schema, variantPlan, json, plan.discriminator);
    message[plan.name] = { case: variant.field.localName, value };
    return message;
  }
  if (plan.unrecognizedName !== undefined) message[plan.unrecognizedName] = json;
  report(state, plan.discriminator ?? "", `expected ${expectedVariants(plan)}`);
  return message;
}

function selectByValue(plan: UnionPlan, json: Json): VariantPlan | undefined {
  const value = Object.hasOwn(json, plan.discriminator ?? "") ? json[plan.discriminator ?? ""] : undefined;
  return typeof value === "string" ? plan.byDiscriminator.get(value) : undefined;
}

function selectByPresence(plan: UnionPlan, json: Json): VariantPlan | undefined {
  const present = plan.variants.find(
    ({ presenceOf }) =>
      presenceOf !== undefined && Object.hasOwn(json, presenceOf) && json[presenceOf] !== null,
  );
  return present ?? plan.variants.find((variant) => variant.presenceOf === undefined);
}

function expectedVariants(plan: UnionPlan): string {
  if (plan.discriminator === undefined) {
    return `one of the properties ${plan.variants.map((variant) => variant.presenceOf).join(", ")}`;
  }
  return `one of ${[...plan.byDiscriminator.keys()].join(", ")}`;
}

function readObject(
  state: State,
  schema: DescMessage,
  plan: ObjectPlan,
  json: Json,
  ignoredKey: string | undefined,
): AnyMessage {
  const message = create(schema) as AnyMessage;
  for (const key of Object.keys(json)) {
    const value = json[key];
    if (key === ignoredKey || value === null) continue;
    const member = plan.byJsonName.get(key);
    const before = state.issues.length;
    if (member) readMember(state, member, value, message);
    else if (plan.spread) readSpread(state, plan.spread, key, value, message);
    else report(state, "", "Unknown property", "UNKNOWN_PROPERTY");
    if (state.issues.length > before) prefixIssues(state, before, key);
  }
  return message;
}

/** Issues are located on the way out, so that a clean body costs nothing. */
function prefixIssues(state: State, from: number, key: string): void {
  for (let index = from; index < state.issues.length; index++) {
    const issue = state.issues[index];
    if (issue) state.issues[index] = { ...issue, property: joinProperty(key, issue.property) };
  }
}

function joinProperty(key: string, rest: string): string {
  return rest === "" || rest.startsWith("[") ? key + rest : `${key}.${rest}`;
}

function readSpread(
  state: State,
  member: MemberPlan,
  key: string,
  value: unknown,
  message: AnyMessage,
): void {
  const text = readText(state, value);
  if (text !== undefined) setEntry(message[member.name] as Record<string, unknown>, key, text);
}

function setEntry(map: Record<string, unknown>, key: string, value: unknown): void {
  Object.defineProperty(map, key, { value, enumerable: true, configurable: true, writable: true });
}

function readMember(state: State, member: MemberPlan, json: unknown, message: AnyMessage): void {
  if (member.kind === "list") {
    readList(state, member, json, message[member.name] as unknown[]);
  } else if (member.kind === "map") {
    readMap(state, json, message[member.name] as Record<string, unknown>);
  } else {
    const value = readValue(state, member.value, json, message);
    if (value !== undefined) message[member.name] = value;
  }
}

function readList(state: State, member: MemberPlan, json: unknown, list: unknown[]): void {
  if (!Array.isArray(json)) {
    report(state, "", "expected an array");
    return;
  }
  for (let index = 0; index < json.length; index++) {
    const before = state.issues.length;
    const value = readValue(state, member.value, json[index], undefined);
    if (value !== undefined) list.push(value);
    if (state.issues.length > before) prefixIssues(state, before, `[${index}]`);
  }
}

function readMap(state: State, json: unknown, map: Record<string, unknown>): void {
  if (!isObject(json)) {
    report(state, "", "expected an object");
    return;
  }
  for (const key of Object.keys(json)) {
    const before = state.issues.length;
    const text = readText(state, json[key]);
    if (text !== undefined) setEntry(map, key, text);
    if (state.issues.length > before) prefixIssues(state, before, key);
  }
}

function readText(state: State, json: unknown): string | undefined {
  if (typeof json === "string") return json;
  report(state, "", "expected a string");
  return typeof json === "number" || typeof json === "boolean" ? String(json) : undefined;
}

/** `owner` takes the sibling of a value: its text, or what an enum has no name for. */
function readValue(state: State, plan: ValuePlan, json: unknown, owner: AnyMessage | undefined): unknown {
  switch (plan.kind) {
    case "string":
      return readText(state, json);
    case "bool":
      if (typeof json === "boolean") return json;
      report(state, "", "expected true or false");
      return undefined;
    case "int32":
      return readNumber(state, json, isInt32, "expected a whole number of 32 bits");
    case "int64":
      return readInt64(state, json);
    case "double":
      return readNumber(state, json, Number.isFinite, "expected a number");
    case "enum":
      return readEnum(state, plan, json, owner);
    case "timestamp":
      return readTimestamp(state, plan, json, owner);
    case "struct":
      if (isObject(json)) return json;
      report(state, "", "expected an object");
      return undefined;
    case "message":
      return readMessage(state, plan.schema, json);
    default:
      return plan satisfies never;
  }
}

function isInt32(value: number): boolean {
  return (value | 0) === value;
}

/** JSON numbers are doubles here, so only what those hold exactly is taken. */
function readInt64(state: State, json: unknown): bigint | undefined {
  const value = readNumber(state, json, Number.isSafeInteger, "expected a whole number of at most 53 bits");
  return value === undefined ? undefined : BigInt(value);
}

function readNumber(
  state: State,
  json: unknown,
  valid: (value: number) => boolean,
  expected: string,
): number | undefined {
  if (typeof json === "number" && valid(json)) return json;
  report(state, "", expected);
  const value = typeof json === "string" && json.trim() !== "" ? Number(json) : Number.NaN;
  return valid(value) ? value : undefined;
}

function readEnum(
  state: State,
  plan: ValuePlan & { kind: "enum" },
  json: unknown,
  owner: AnyMessage | undefined,
): number | undefined {
  const number = typeof json === "string" ? plan.names.numbers.get(json) : undefined;
  if (number !== undefined) return number;
  if (owner && plan.unrecognizedName !== undefined && typeof json === "string")
    owner[plan.unrecognizedName] = json;
  report(state, "", `expected one of ${[...plan.names.numbers.keys()].join(", ")}`);
  return undefined;
}

function readTimestamp(
  state: State,
  plan: ValuePlan & { kind: "timestamp" },
  json: unknown,
  owner: AnyMessage | undefined,
): unknown {
  const parsed = typeof json === "string" ? parseDateTime(json) : undefined;
  if (!parsed) {
    report(state, "", "expected a date and time such as 2026-05-04T09:30:00.000+0000");
    return undefined;
  }
  if (owner && plan.textName !== undefined && formatDateTime(parsed, plan.style) !== json) {
    owner[plan.textName] = json;
  }
  return create(TimestampSchema, { seconds: parsed.seconds, nanos: parsed.nanos });
}
