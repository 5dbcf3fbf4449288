import type { DescEnum, DescField, DescOneof, Registry } from "@bufbuild/protobuf";
import { ScalarType } from "@bufbuild/protobuf";
import { isFieldError } from "@bufbuild/protobuf/reflect";

/** Most names of an enum that an error lists. */
const MAX_LISTED_NAMES = 30;
/** A key is repeated in an error only when it looks like a field's name, not like data. */
const FIELD_NAME = /^[A-Za-z_$@][A-Za-z_]*[0-9]{0,3}[A-Za-z_]*$/;
const MAX_LISTED_KEY_LENGTH = 64;

/** What is wrong with a JSON request, without anything of the request's values. */
export interface JsonParseProblem {
  readonly description: string;
  /** Full name of the field, enum or message that the JSON does not fit. */
  readonly element?: string;
}

/**
 * Explains an error of protobuf-es's JSON parser. Its own text quotes the value
 * it could not read, and JSON.parse quotes the text around the mistake: this
 * service must not repeat either.
 */
export function explainJsonError(error: unknown, registry: Registry): JsonParseProblem {
  const cause = error instanceof Error ? error.cause : undefined;
  if (isFieldError(cause)) return explainFieldError(cause.field(), cause.message);
  const text = error instanceof Error ? error.message : "";
  const named = /^cannot decode (message|enum) ([\w.]+) from JSON/.exec(text);
  const element = named?.[2];
  if (cause instanceof SyntaxError) return { description: "the body is no valid JSON" };
  if (element === undefined) return { description: "the body does not fit the request message" };
  const key = /: (key|duplicate object key) "(.*)"/s.exec(text);
  if (key !== null) return { description: explainKey(key[1] === "key", key[2] ?? "", element), element };
  if (named?.[1] === "enum") return { description: explainEnum(registry.getEnum(element), element), element };
  if (text.includes("recursion depth")) return { description: "the JSON is nested too deeply", element };
  return { description: `a value does not fit ${element}`, element };
}

function explainFieldError(field: DescField | DescOneof, text: string): JsonParseProblem {
  if (field.kind === "oneof") {
    const names = field.fields.map((member) => member.jsonName).join(", ");
    return {
      description: `${field.parent.typeName}.${field.name} is set more than once; give one of: ${names}`,
      element: `${field.parent.typeName}.${field.name}`,
    };
  }
  const element = `${field.parent.typeName}.${field.name}`;
  if (text.startsWith("set multiple times")) return { description: `${element} is given twice`, element };
  return { description: `the value of ${element} must be ${expected(field)}`, element };
}

function expected(field: DescField): string {
  if (field.fieldKind === "list") return `an array of ${elementName(field)}`;
  if (field.fieldKind === "map") return "an object";
  return elementName(field);
}

function elementName(field: DescField): string {
  if (field.message !== undefined) return field.message.typeName;
  if (field.enum !== undefined) return `one of the names of ${field.enum.typeName}`;
  return field.scalar === undefined ? "of its type" : `a valid ${ScalarType[field.scalar].toLowerCase()}`;
}

function explainKey(unknown: boolean, key: string, element: string): string {
  const printable = FIELD_NAME.test(key) && key.length <= MAX_LISTED_KEY_LENGTH;
  const name = printable ? `the key "${key}"` : "a key";
  return unknown ? `${element} has no field for ${name}; check its spelling` : `${name} is given twice`;
}

function explainEnum(desc: DescEnum | undefined, element: string): string {
  const names = desc?.values.map((value) => value.name) ?? [];
  if (names.length === 0 || names.length > MAX_LISTED_NAMES) return `the value is no name of ${element}`;
  return `the value is no name of ${element}; give one of: ${names.join(", ")}`;
}
