import type { TranscodeMember, TranscodePlan } from "./transcode-plan.ts";
import type { TranscodeWriter } from "./transcode-writer.ts";

type Json = Readonly<Record<string, unknown>>;

/** Bytes kept free for the length of a nested message: few have more than 127 bytes. */
const NESTED_LENGTH_BYTES = 1;

/**
 * Whether a value is an object as JSON.parse makes it. Only of such does a
 * look-up by name find nothing but what the JSON held.
 */
export function isParsedObject(json: unknown): json is Json {
  return typeof json === "object" && json !== null && Object.getPrototypeOf(json) === Object.prototype;
}

/**
 * Writes JSON that JSON.parse gave as the binary message that decodeRest would
 * make of it, without making it: reading the bytes gives an equal message.
 * Members that the type does not have are left out, as there. False when any
 * value is not of its type, or is text with half surrogates: that takes
 * decodeRest, and what was written from the call on must be taken back.
 */
export function transcode(plan: TranscodePlan, json: Json, writer: TranscodeWriter): boolean {
  for (let index = 0; index < plan.length; index++) {
    const member = plan[index] as TranscodeMember;
    const value = json[member.jsonName];
    if (value === undefined || value === null) continue;
    if (!writeMember(member, value, writer)) return false;
  }
  return true;
}

function writeMember(member: TranscodeMember, value: unknown, writer: TranscodeWriter): boolean {
  switch (member.kind) {
    case "string":
      return typeof value === "string" && writer.string(member.tag, value);
    case "int32":
      if (typeof value !== "number" || (value | 0) !== value) return false;
      writer.int32(member.tag, value);
      return true;
    case "bool":
      if (typeof value !== "boolean") return false;
      writer.bool(member.tag, value);
      return true;
    case "enum":
      return typeof value === "string" && writeEnum(member, value, writer);
    case "message":
      return isParsedObject(value) && writeMessage(member, value, writer);
    default:
      return member.kind satisfies never;
  }
}

/** No JSON name stands for zero, so what is written is never the default. */
function writeEnum(member: TranscodeMember, name: string, writer: TranscodeWriter): boolean {
  const number = member.numbers?.get(name);
  if (number !== undefined) {
    writer.int32(member.tag, number);
    return true;
  }
  return member.unrecognizedTag !== undefined && writer.string(member.unrecognizedTag, name);
}

function writeMessage(member: TranscodeMember, json: Json, writer: TranscodeWriter): boolean {
  const start = writer.open(member.tag, NESTED_LENGTH_BYTES);
  if (!transcode(member.nested ?? [], json, writer)) return false;
  writer.close(start, NESTED_LENGTH_BYTES);
  return true;
}
