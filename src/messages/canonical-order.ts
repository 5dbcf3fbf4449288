import type { DescField, DescMessage, Message, MessageShape } from "@bufbuild/protobuf";

/** Name of the type whose fields hold plain JSON in generated messages. */
const STRUCT = "google.protobuf.Struct";

/** A message by local names. */
type AnyMessage = Record<string, unknown>;
/** Orders the maps below one field of a message. */
type OrderField = (message: AnyMessage) => void;

const orders = new WeakMap<DescMessage, readonly OrderField[]>();

/**
 * Brings the entries of all maps and JSON objects of a message into one order,
 * in place. The binary encoding of two messages that were equal before is then
 * equal too: fields are encoded by number, and maps as they stand.
 */
export function orderMaps<D extends DescMessage>(schema: D, message: MessageShape<D>): void {
  for (const order of ordersOf(schema)) order(message as Message & AnyMessage);
}

function ordersOf(schema: DescMessage): readonly OrderField[] {
  let order = orders.get(schema);
  if (order === undefined) {
    order = schema.fields.map(orderOf).filter((orderField) => orderField !== undefined);
    orders.set(schema, order);
  }
  return order;
}

/** Undefined for a field below which there is no map. */
function orderOf(field: DescField): OrderField | undefined {
  if (!holdsMaps(field, new Set())) return undefined;
  if (field.oneof !== undefined) return orderOneof(field, field.oneof.localName);
  return (message) => {
    const value = message[field.localName];
    if (value !== undefined) message[field.localName] = ordered(field, value);
  };
}

function orderOneof(field: DescField, oneof: string): OrderField {
  return (message) => {
    const chosen = message[oneof] as { case: string | undefined; value: unknown };
    if (chosen.case === field.localName) chosen.value = ordered(field, chosen.value);
  };
}

/** The value with its maps in order: the same object for messages and lists, a copy for maps. */
function ordered(field: DescField, value: unknown): unknown {
  if (field.fieldKind === "map") {
    if (field.mapKind === "message") {
      for (const entry of Object.values(value as object)) orderMessage(field.message, entry);
    }
    return orderedEntries(value as object, (entry) => entry);
  }
  if (field.message === undefined) return value;
  if (field.fieldKind !== "list") return orderMessage(field.message, value);
  const list = value as unknown[];
  for (let index = 0; index < list.length; index++) list[index] = orderMessage(field.message, list[index]);
  return list;
}

function orderMessage(schema: DescMessage, value: unknown): unknown {
  if (schema.typeName === STRUCT) return orderedJson(value);
  for (const order of ordersOf(schema)) order(value as AnyMessage);
  return value;
}

function orderedJson(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(orderedJson);
  return typeof value === "object" && value !== null ? orderedEntries(value, orderedJson) : value;
}

function orderedEntries(map: object, convert: (value: unknown) => unknown): object {
  const entries = Object.entries(map).sort(([a], [b]) => (a < b ? -1 : Number(a > b)));
  return Object.fromEntries(entries.map(([key, value]) => [key, convert(value)]));
}

/** `passed` ends the search in types that hold themselves. */
function holdsMaps(field: DescField, passed: Set<DescMessage>): boolean {
  if (field.fieldKind === "map") return true;
  const { message } = field;
  if (message === undefined || passed.has(message)) return false;
  if (message.typeName === STRUCT) return true;
  passed.add(message);
  return message.fields.some((inner) => holdsMaps(inner, passed));
}
