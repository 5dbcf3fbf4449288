import { type DescField, type DescMessage, type DescOneof, getOption, ScalarType } from "@bufbuild/protobuf";
import type { FieldOptions } from "../../../gen/infobip/options/v1/json_pb.js";
import { DateTimeStyle, field as fieldOption } from "../../../gen/infobip/options/v1/json_pb.js";
import { type EnumNames, enumNames } from "./enum-names.ts";

/** A message as the codec handles it: any generated message, by local name. */
export type AnyMessage = Record<string, unknown>;

/** How one value is written and read. */
export type ValuePlan =
  | { readonly kind: "string" | "bool" | "int32" | "int64" | "double" | "struct" }
  | { readonly kind: "timestamp"; readonly style: DateTimeStyle; readonly textName: string | undefined }
  | { readonly kind: "enum"; readonly names: EnumNames; readonly unrecognizedName: string | undefined }
  | { readonly kind: "message"; readonly schema: DescMessage };

/** One JSON member of a plain object. */
export interface MemberPlan {
  readonly kind: "single" | "list" | "map" | "spread";
  readonly field: DescField;
  /** Property of the generated message. */
  readonly name: string;
  readonly jsonName: string;
  /** The JSON key with quotes and colon, ready to be written. */
  readonly quotedKey: string;
  readonly value: ValuePlan;
  readonly alwaysPresent: boolean;
}

/** One choice of a union. */
export interface VariantPlan {
  readonly field: DescField;
  readonly schema: DescMessage;
  /** Value of the discriminator; undefined in an untyped union. */
  readonly discriminator: string | undefined;
  /** JSON key that selects this variant of an untyped union; undefined for the variant taken when no key does. */
  readonly presenceOf: string | undefined;
}

/** A plain JSON object. */
export interface ObjectPlan {
  readonly kind: "object";
  readonly members: readonly MemberPlan[];
  readonly byJsonName: ReadonlyMap<string, MemberPlan>;
  readonly spread: MemberPlan | undefined;
}

/** A union: one oneof named after its discriminator, or of another name when it has none. */
export interface UnionPlan {
  readonly kind: "union";
  readonly oneof: DescOneof;
  /** Property of the generated message that holds {case, value}. */
  readonly name: string;
  /** JSON key of the discriminator; undefined in an untyped union. */
  readonly discriminator: string | undefined;
  readonly variants: readonly VariantPlan[];
  readonly byCase: ReadonlyMap<string, VariantPlan>;
  readonly byDiscriminator: ReadonlyMap<string, VariantPlan>;
  /** Property that keeps the whole object when the discriminator is unknown. */
  readonly unrecognizedName: string | undefined;
}

/** How one message type is written and read. */
export type MessagePlan = ObjectPlan | UnionPlan;

const DISCRIMINATORS: ReadonlySet<string> = new Set(["type", "event"]);
const plans = new WeakMap<DescMessage, MessagePlan>();

/** Returns the plan of a message type, compiled at its first use. Throws for a type that breaks the conventions. */
export function planOf(schema: DescMessage): MessagePlan {
  let plan = plans.get(schema);
  if (!plan) {
    plan = schema.oneofs.length > 0 ? compileUnion(schema) : compileObject(schema);
    plans.set(schema, plan);
  }
  return plan;
}

function optionsOf(field: DescField): FieldOptions {
  return getOption(field, fieldOption);
}

function compileUnion(schema: DescMessage): UnionPlan {
  const [oneof, second] = schema.oneofs;
  const others = schema.fields.filter((field) => !field.oneof);
  const unrecognized = others.find((field) => optionsOf(field).unrecognizedVariant);
  if (!oneof || second || others.length > (unrecognized ? 1 : 0)) {
    throw new Error(`${schema.typeName}: a union holds one oneof and nothing else`);
  }
  const discriminator = DISCRIMINATORS.has(oneof.name) ? oneof.name : undefined;
  const variants = oneof.fields.map((field): VariantPlan => {
    if (field.fieldKind !== "message") throw new Error(`${field.toString()}: a variant is a message`);
    return {
      field,
      schema: field.message,
      discriminator: discriminator === undefined ? undefined : field.name.toUpperCase(),
      presenceOf: optionsOf(field).presenceOf || undefined,
    };
  });
  return {
    kind: "union",
    oneof,
    name: oneof.localName,
    discriminator,
    variants,
    byCase: new Map(variants.map((variant) => [variant.field.localName, variant])),
    byDiscriminator: new Map(variants.map((variant) => [variant.discriminator ?? "", variant])),
    unrecognizedName: unrecognized?.localName,
  };
}

function compileObject(schema: DescMessage): ObjectPlan {
  const members: MemberPlan[] = [];
  for (const field of schema.fields) {
    const options = optionsOf(field);
    if (options.rpcOnly || options.textOf || options.unrecognizedValueOf) continue;
    members.push(compileMember(schema, field, options));
  }
  return {
    kind: "object",
    members,
    byJsonName: new Map(members.filter((m) => m.kind !== "spread").map((m) => [m.jsonName, m])),
    spread: members.find((member) => member.kind === "spread"),
  };
}

function compileMember(schema: DescMessage, field: DescField, options: FieldOptions): MemberPlan {
  const kind = field.fieldKind === "list" ? "list" : field.fieldKind === "map" ? "map" : "single";
  return {
    kind: options.spread ? "spread" : kind,
    field,
    name: field.localName,
    jsonName: field.jsonName,
    quotedKey: `${JSON.stringify(field.jsonName)}:`,
    value: compileValue(schema, field, options),
    alwaysPresent: options.alwaysPresent === true,
  };
}

function compileValue(schema: DescMessage, field: DescField, options: FieldOptions): ValuePlan {
  if (field.enum)
    return { kind: "enum", names: enumNames(field.enum), unrecognizedName: sibling(schema, field) };
  if (field.message) return compileMessageValue(schema, field, field.message, options);
  switch (field.scalar) {
    case ScalarType.STRING:
      return { kind: "string" };
    case ScalarType.BOOL:
      return { kind: "bool" };
    case ScalarType.INT32:
      return { kind: "int32" };
    case ScalarType.INT64:
      return { kind: "int64" };
    case ScalarType.DOUBLE:
      return { kind: "double" };
    default:
      throw new Error(`${field.toString()}: this scalar type has no JSON form here`);
  }
}

function compileMessageValue(
  schema: DescMessage,
  field: DescField,
  message: DescMessage,
  options: FieldOptions,
): ValuePlan {
  if (message.typeName === "google.protobuf.Struct") return { kind: "struct" };
  if (message.typeName === "google.protobuf.Timestamp") {
    return {
      kind: "timestamp",
      style: options.dateTimeStyle || DateTimeStyle.MILLIS_OFFSET,
      textName: sibling(schema, field),
    };
  }
  return { kind: "message", schema: message };
}

/** The field that completes another one: the text of a Timestamp, the unrecognized value of an enum. */
function sibling(schema: DescMessage, field: DescField): string | undefined {
  return schema.fields.find((candidate) => {
    const options = optionsOf(candidate);
    return options.textOf === field.name || options.unrecognizedValueOf === field.name;
  })?.localName;
}
