import type { DescField, DescMessage } from "@bufbuild/protobuf";
import { FeatureSet_FieldPresence } from "@bufbuild/protobuf/wkt";
import { type MemberPlan, planOf } from "./plan.ts";

/** One JSON member that can be transcoded. */
export interface TranscodeMember {
  readonly kind: "string" | "bool" | "int32" | "enum" | "message";
  readonly jsonName: string;
  /** Field number and wire type, as they stand before the value. */
  readonly tag: number;
  /** Of an enum: its numbers by JSON name. */
  readonly numbers: ReadonlyMap<string, number> | undefined;
  /** Of an enum: tag of the string that takes names it does not have; undefined when there is none. */
  readonly unrecognizedTag: number | undefined;
  /** Of a message. */
  readonly nested: TranscodePlan | undefined;
}

/** How a message type is transcoded: its members in the order of their field numbers. */
export type TranscodePlan = readonly TranscodeMember[];

/** Deepest nesting of messages that is transcoded, so that types which hold themselves have no plan. */
const MAX_DEPTH = 8;
const VARINT = 0;
const LENGTH_DELIMITED = 2;

const plans = new WeakMap<DescMessage, { readonly plan: TranscodePlan | undefined }>();

/**
 * The plan of a message type, compiled at its first use. Undefined for a type
 * that holds anything but optional text, booleans and whole numbers of 32 bits,
 * enums, and messages of such, each at most once: that needs decodeRest.
 */
export function transcodePlanOf(schema: DescMessage): TranscodePlan | undefined {
  let entry = plans.get(schema);
  if (!entry) {
    entry = { plan: compile(schema, 1) };
    plans.set(schema, entry);
  }
  return entry.plan;
}

function compile(schema: DescMessage, depth: number): TranscodePlan | undefined {
  const plan = planOf(schema);
  if (depth > MAX_DEPTH || plan.kind === "union") return undefined;
  const members: TranscodeMember[] = [];
  for (const member of plan.members) {
    const compiled = compileMember(schema, member, depth);
    if (!compiled) return undefined;
    members.push(compiled);
  }
  return members.sort((one, other) => one.tag - other.tag);
}

function compileMember(schema: DescMessage, member: MemberPlan, depth: number): TranscodeMember | undefined {
  const { field, value, jsonName } = member;
  // Members are looked up by name, which must not find what every object has.
  if (member.kind !== "single" || jsonName in Object.prototype) return undefined;
  // Without presence a zero is not written, and nothing in the contract needs that.
  if (field.scalar && field.presence === FeatureSet_FieldPresence.IMPLICIT) return undefined;
  const common = { jsonName, numbers: undefined, unrecognizedTag: undefined, nested: undefined };
  switch (value.kind) {
    case "string":
      return { ...common, kind: value.kind, tag: tagOf(field, LENGTH_DELIMITED) };
    case "bool":
    case "int32":
      return { ...common, kind: value.kind, tag: tagOf(field, VARINT) };
    case "enum": {
      const unrecognized = schema.fields.find((candidate) => candidate.localName === value.unrecognizedName);
      const unrecognizedTag = unrecognized && tagOf(unrecognized, LENGTH_DELIMITED);
      const { numbers } = value.names;
      return { ...common, kind: value.kind, tag: tagOf(field, VARINT), numbers, unrecognizedTag };
    }
    case "message": {
      const nested = compile(value.schema, depth + 1);
      return nested && { ...common, kind: value.kind, tag: tagOf(field, LENGTH_DELIMITED), nested };
    }
    default:
      return undefined;
  }
}

function tagOf(field: DescField, wireType: number): number {
  return field.number * 8 + wireType;
}
