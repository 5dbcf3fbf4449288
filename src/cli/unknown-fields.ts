import type { DescEnum, DescField, DescMessage } from "@bufbuild/protobuf";

/** Deepest nesting that is followed. */
const MAX_DEPTH = 100;

/** One member of protobuf JSON and the field it stands for, if any. */
interface Visit {
  readonly path: string;
  readonly field: DescField | undefined;
  readonly value: unknown;
}

/** Paths of the JSON members that a message's protobuf JSON does not know, such as `messages[0].mesage`. */
export function unknownFields(schema: DescMessage, json: unknown): string[] {
  return [...walk(schema, json, "", 0)].flatMap(({ path, field }) => (field ? [] : [path]));
}

/** Paths of the members whose enum has no value of that name or number, such as `messages[0].message.channel`. */
export function unknownEnumValues(schema: DescMessage, json: unknown): string[] {
  return [...walk(schema, json, "", 0)].flatMap(({ path, field, value }) => {
    const desc = field?.enum;
    if (!desc || value === null) return [];
    if (!Array.isArray(value)) return isValueOf(desc, value) ? [] : [path];
    return value.flatMap((item, index) => (isValueOf(desc, item) ? [] : [`${path}[${index}]`]));
  });
}

function isValueOf(desc: DescEnum, value: unknown): boolean {
  return desc.values.some(({ name, number }) => value === name || value === number);
}

function* walk(schema: DescMessage, json: unknown, path: string, depth: number): Generator<Visit> {
  // Well-known types have a JSON form of their own, without fields.
  if (!isObject(json) || depth > MAX_DEPTH || schema.typeName.startsWith("google.protobuf.")) return;
  for (const [name, value] of Object.entries(json)) {
    const field = schema.fields.find((candidate) => candidate.jsonName === name || candidate.name === name);
    const memberPath = path === "" ? name : `${path}.${name}`;
    yield { path: memberPath, field, value };
    if (field !== undefined) yield* walkField(field, value, memberPath, depth);
  }
}

function* walkField(field: DescField, value: unknown, path: string, depth: number): Generator<Visit> {
  if (field.fieldKind === "message") {
    yield* walk(field.message, value, path, depth + 1);
  } else if (field.fieldKind === "list" && field.message !== undefined && Array.isArray(value)) {
    for (const [index, item] of value.entries())
      yield* walk(field.message, item, `${path}[${index}]`, depth + 1);
  } else if (field.fieldKind === "map" && field.message !== undefined && isObject(value)) {
    for (const [key, item] of Object.entries(value))
      yield* walk(field.message, item, `${path}.${key}`, depth + 1);
  }
}

function isObject(json: unknown): json is Record<string, unknown> {
  return typeof json === "object" && json !== null && !Array.isArray(json);
}
