import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import type { Timestamp } from "@bufbuild/protobuf/wkt";
import { formatDateTime, spells } from "./date-time.ts";
import { type AnyMessage, type MemberPlan, planOf, type UnionPlan, type ValuePlan } from "./plan.ts";

/** A value that JSON cannot hold: a number that is not finite, or an instant outside the years 1 to 9999. */
export class UnencodableError extends Error {
  override readonly name = "UnencodableError";
  /** Protobuf path of the value within the message. */
  readonly fieldPath: string;

  constructor(fieldPath: string) {
    super(`${fieldPath} holds a value that JSON cannot express`);
    this.fieldPath = fieldPath;
  }
}

/** Writes the members of a JSON object into one growing string. */
class JsonWriter {
  text = "";
  #first = true;

  open(): void {
    this.text += "{";
    this.#first = true;
  }

  close(): void {
    this.text += "}";
    this.#first = false;
  }

  key(quotedKey: string): void {
    this.text += this.#first ? quotedKey : `,${quotedKey}`;
    this.#first = false;
  }
}

/**
 * Writes a message as Infobip's JSON text, by the conventions of
 * proto/infobip/options/v1/json.proto. Fields that are not set are left out.
 * Throws UnencodableError for a value JSON cannot express.
 */
export function encodeRest<D extends DescMessage>(schema: D, message: MessageShape<D>): string {
  const writer = new JsonWriter();
  writeObject(writer, schema, message as AnyMessage);
  return writer.text;
}

function writeObject(writer: JsonWriter, schema: DescMessage, message: AnyMessage): void {
  const plan = planOf(schema);
  if (plan.kind === "union" && plan.unrecognizedName !== undefined) {
    const unrecognized = message[plan.unrecognizedName];
    if (unrecognized !== undefined && unionCase(plan, message) === undefined) {
      writer.text += JSON.stringify(unrecognized);
      return;
    }
  }
  writer.open();
  writeMembers(writer, schema, message);
  writer.close();
}

interface UnionCase {
  readonly case: string;
  readonly value: AnyMessage;
}

function unionCase(plan: UnionPlan, message: AnyMessage): UnionCase | undefined {
  const chosen = message[plan.name] as Partial<UnionCase> | undefined;
  return chosen?.case === undefined ? undefined : (chosen as UnionCase);
}

function writeMembers(writer: JsonWriter, schema: DescMessage, message: AnyMessage): void {
  const plan = planOf(schema);
  if (plan.kind === "object") {
    for (const member of plan.members) writeMember(writer, member, message);
    return;
  }
  const chosen = unionCase(plan, message);
  const variant = chosen && plan.byCase.get(chosen.case);
  if (!chosen || !variant) return;
  try {
    writeMembers(writer, variant.schema, chosen.value);
  } catch (error) {
    throw located(error, variant.field.name);
  }
  if (plan.discriminator !== undefined) {
    writer.key(`"${plan.discriminator}":"${variant.discriminator}"`);
  }
}

function writeMember(writer: JsonWriter, member: MemberPlan, message: AnyMessage): void {
  const value = message[member.name];
  if (value === undefined) return;
  switch (member.kind) {
    case "single":
      writeSingle(writer, member, value, message);
      return;
    case "list":
      writeList(writer, member, value as readonly unknown[]);
      return;
    case "map":
      if (Object.keys(value as object).length > 0) {
        writer.key(member.quotedKey);
        writer.text += JSON.stringify(value);
      }
      return;
    case "spread":
      for (const [key, text] of Object.entries(value as Record<string, string>)) {
        writer.key(`${JSON.stringify(key)}:${JSON.stringify(text)}`);
      }
      return;
    default:
      member.kind satisfies never;
  }
}

function writeSingle(writer: JsonWriter, member: MemberPlan, value: unknown, message: AnyMessage): void {
  const plan = member.value;
  if (plan.kind === "enum") {
    const name =
      plan.names.names.get(value as number) ??
      (plan.unrecognizedName === undefined
        ? undefined
        : (message[plan.unrecognizedName] as string | undefined));
    if (name === undefined) return;
    writer.key(member.quotedKey);
    writer.text += JSON.stringify(name);
    return;
  }
  writer.key(member.quotedKey);
  const text =
    plan.kind === "timestamp" && plan.textName ? (message[plan.textName] as string | undefined) : undefined;
  if (text !== undefined && spells(text, value as Timestamp)) writer.text += JSON.stringify(text);
  else writeValue(writer, plan, value, member.field.name);
}

function writeList(writer: JsonWriter, member: MemberPlan, values: readonly unknown[]): void {
  if (values.length === 0 && !member.alwaysPresent) return;
  writer.key(member.quotedKey);
  writer.text += "[";
  for (let index = 0; index < values.length; index++) {
    if (index > 0) writer.text += ",";
    writeValue(writer, member.value, values[index], `${member.field.name}[${index}]`);
  }
  writer.text += "]";
}

function writeValue(writer: JsonWriter, plan: ValuePlan, value: unknown, fieldPath: string): void {
  switch (plan.kind) {
    case "string":
      writer.text += JSON.stringify(value);
      return;
    case "struct":
      writer.text += JSON.stringify(value, (_key, part: unknown) => {
        // JSON.stringify would write null, and null is another value.
        if (typeof part === "number" && !Number.isFinite(part)) throw new UnencodableError(fieldPath);
        return part;
      });
      return;
    case "bool":
      writer.text += value === true ? "true" : "false";
      return;
    case "int32":
    case "double":
      if (!Number.isFinite(value)) throw new UnencodableError(fieldPath);
      writer.text += String(value);
      return;
    case "int64":
      writer.text += String(value);
      return;
    case "enum":
      writer.text += JSON.stringify(plan.names.names.get(value as number) ?? "");
      return;
    case "timestamp": {
      const text = formatDateTime(value as Timestamp, plan.style);
      if (text === undefined) throw new UnencodableError(fieldPath);
      writer.text += `"${text}"`;
      return;
    }
    case "message":
      try {
        writeObject(writer, plan.schema, value as AnyMessage);
      } catch (error) {
        throw located(error, fieldPath);
      }
      return;
    default:
      plan satisfies never;
  }
}

function located(error: unknown, fieldPath: string): unknown {
  return error instanceof UnencodableError ? new UnencodableError(`${fieldPath}.${error.fieldPath}`) : error;
}
