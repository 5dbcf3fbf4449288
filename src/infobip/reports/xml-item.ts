import { type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import type { XMLParser } from "fast-xml-parser";
import { loadXmlParser } from "./load-xml-parser.ts";
import { MAX_ITEM_DEPTH } from "./report-item.ts";
import { inertEntities } from "./xml-entities.ts";

const OPTIONS = {
  parseTagValue: false,
  ignoreAttributes: true,
  trimValues: false,
  maxNestedTags: MAX_ITEM_DEPTH,
  entityDecoder: inertEntities,
};

let parser: XMLParser | undefined;

/** Elements that tell which report it is: there white space is layout, and must not make another report. */
const IDENTITY: ReadonlySet<string> = new Set([
  "event",
  "channel",
  "messageId",
  "bulkId",
  "doneAt",
  "sentAt",
  "groupName",
  "name",
]);

const INTEGER = /^[+-]?\d{1,10}$/;

/**
 * Reads one element of an XML report into the object that the same report
 * would be in JSON. Text becomes a number or boolean only where the message
 * has one, so an id such as `007` stays as it is. White space around what identifies a report goes. Of repeated elements the
 * last counts, as with repeated JSON members. Undefined when it is no element
 * that can be read.
 */
export function decodeXmlItem(element: string, schema: DescMessage): unknown {
  parser ??= new (loadXmlParser())(OPTIONS);
  let document: unknown;
  try {
    document = parser.parse(element);
  } catch {
    return undefined;
  }
  const content = isObject(document) ? Object.values(document)[0] : undefined;
  return isObject(content) ? toJsonObject(content, schema) : undefined;
}

type Fields = Record<string, unknown>;

function isObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The parser bounds the nesting of its documents, so this recursion is bounded too. */
function toJsonObject(element: Fields, schema: DescMessage | undefined): Fields {
  const json: Fields = {};
  for (const [name, content] of Object.entries(element)) {
    // Text between the elements is layout.
    if (name === "#text") continue;
    const value = Array.isArray(content) ? content.at(-1) : content;
    json[name] = toJsonValue(trimmed(name, value), fieldOf(schema, name));
  }
  return json;
}

function trimmed(name: string, value: unknown): unknown {
  return typeof value === "string" && IDENTITY.has(name) ? value.trim() : value;
}

function fieldOf(schema: DescMessage | undefined, name: string): DescField | undefined {
  return schema?.fields.find((field) => field.jsonName === name);
}

function toJsonValue(value: unknown, field: DescField | undefined): unknown {
  if (isObject(value)) return toJsonObject(value, field?.message);
  if (typeof value !== "string" || field?.fieldKind !== "scalar") return value;
  const text = value.trim();
  if (field.scalar === ScalarType.BOOL) return text === "true" ? true : text === "false" ? false : value;
  if (field.scalar === ScalarType.INT32 && INTEGER.test(text)) return Number(text);
  return value;
}
