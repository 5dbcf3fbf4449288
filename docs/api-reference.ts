import {
  type DescEnum,
  type DescField,
  type DescFile,
  type DescMessage,
  type DescMethod,
  type DescService,
  getOption,
  hasOption,
  ScalarType,
  toJson,
} from "@bufbuild/protobuf";
import { getComments } from "@bufbuild/protoplugin";
import {
  FieldRulesSchema,
  field as fieldRules,
} from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";

/** Pages of the reference, by their names, with the packages that they are about. */
export const API_PAGES = { messages: "infobip.messages.v1", events: "infobip.events.v1" } as const;

type Described = DescService | DescMethod | DescMessage | DescField | DescEnum | DescEnum["values"][number];

const KINDS: Readonly<Record<DescMethod["methodKind"], string>> = {
  unary: "unary",
  server_streaming: "server stream",
  client_streaming: "client stream",
  bidi_streaming: "bidirectional stream",
};

/** Writes the reference of one package: its services, messages and enums in the order of their files' names. */
export function apiReference(packageName: string, files: readonly DescFile[]): string {
  const own = files.filter(({ proto }) => proto.package === packageName);
  const services = own.flatMap((file) => file.services);
  const messages = own.flatMap((file) => file.messages).flatMap(withNested);
  const enums = [...own.flatMap((file) => file.enums), ...messages.flatMap((message) => message.nestedEnums)];
  return [
    `# ${packageName}`,
    "Made of the `.proto` files by `npm run docs`. JSON names are the same in lowerCamelCase; a field marked `optional` tells absent from default.",
    ...services.flatMap(serviceSection),
    "## Messages",
    ...messages.toSorted(byName).flatMap((message) => messageSection(message, packageName)),
    "## Enums",
    ...enums.toSorted(byName).flatMap(enumSection),
  ]
    .join("\n\n")
    .concat("\n");
}

function withNested(message: DescMessage): DescMessage[] {
  // Entries of maps are an encoding, not a type that anybody names.
  const nested = message.nestedMessages.filter(({ proto }) => proto.options?.mapEntry !== true);
  return [message, ...nested.flatMap(withNested)];
}

function byName(a: { readonly typeName: string }, b: { readonly typeName: string }): number {
  return a.typeName < b.typeName ? -1 : 1;
}

function serviceSection(service: DescService): string[] {
  return [`## ${service.name}`, paragraphs(service), ...service.methods.flatMap(methodSection)];
}

function methodSection(method: DescMethod): string[] {
  const { name, input, output, methodKind } = method;
  return [
    `### ${name}`,
    `${KINDS[methodKind]}: ${typeLink(input, method.parent.file)} → ${typeLink(output, method.parent.file)}`,
    paragraphs(method),
  ];
}

function messageSection(message: DescMessage, packageName: string): string[] {
  const title = `### ${message.typeName.slice(packageName.length + 1)}`;
  if (message.fields.length === 0) return [title, paragraphs(message), "No fields."];
  const rows = message.fields.map((one) => fieldRow(one, message.file));
  const table = ["| Field | Type | Meaning | Rules |", "| --- | --- | --- | --- |", ...rows].join("\n");
  return [title, paragraphs(message), table];
}

function fieldRow(one: DescField, file: DescFile): string {
  const oneof = one.oneof === undefined ? "" : ` (one of \`${one.oneof.name}\`)`;
  const label = one.proto.proto3Optional ? "optional " : "";
  return `| \`${one.name}\`${oneof} | ${label}${fieldType(one, file)} | ${cell(oneLine(one))} | ${cell(rulesOf(one))} |`;
}

function fieldType(one: DescField, file: DescFile): string {
  switch (one.fieldKind) {
    case "scalar":
      return scalarName(one.scalar);
    case "enum":
      return typeLink(one.enum, file);
    case "message":
      return typeLink(one.message, file);
    case "list":
      return `repeated ${one.listKind === "scalar" ? scalarName(one.scalar) : typeLink(one.listKind === "enum" ? one.enum : one.message, file)}`;
    case "map":
      return `map of ${scalarName(one.mapKey)} to ${one.mapKind === "scalar" ? scalarName(one.scalar) : typeLink(one.mapKind === "enum" ? one.enum : one.message, file)}`;
  }
}

function scalarName(scalar: ScalarType): string {
  return ScalarType[scalar].toLowerCase();
}

/** A link within the page, or to the page of the other package; only a name for what is nobody's page. */
function typeLink(type: DescMessage | DescEnum, from: DescFile): string {
  const { package: packageName } = type.file.proto;
  const name = type.typeName.slice(packageName.length + 1);
  const anchor = `#${name.toLowerCase().replaceAll(".", "")}`;
  if (packageName === from.proto.package) return `[${name}](${anchor})`;
  const page = /^infobip\.(messages|events)\.v1$/.exec(packageName)?.[1];
  return page === undefined ? `\`${type.typeName}\`` : `[${name}](${page}.md${anchor})`;
}

function rulesOf(one: DescField): string {
  if (!hasOption(one, fieldRules)) return "";
  const { cel = [], ...rules } = toJson(FieldRulesSchema, getOption(one, fieldRules)) as Record<
    string,
    unknown
  > & {
    cel?: { message?: string; id?: string }[];
  };
  return [...flatten(rules), ...cel.map(({ message, id }) => message ?? id ?? "")].join("; ");
}

function flatten(rules: object, path: readonly string[] = []): string[] {
  return Object.entries(rules).flatMap(([name, value]) => {
    const here = [...path, name];
    if (typeof value === "object" && value !== null && !Array.isArray(value))
      return flatten(value as object, here);
    return [`\`${here.join(".")}: ${JSON.stringify(value)}\``];
  });
}

function enumSection(type: DescEnum): string[] {
  const rows = type.values.map(
    (value) => `| \`${value.name}\` | ${value.number} | ${cell(oneLine(value))} |`,
  );
  const title = `### ${type.typeName.slice(type.file.proto.package.length + 1)}`;
  return [
    title,
    paragraphs(type),
    ["| Value | Number | Meaning |", "| --- | --- | --- |", ...rows].join("\n"),
  ];
}

/** A comment as Markdown: its paragraphs and lists as they stand. */
function paragraphs(desc: Described): string {
  return commentOf(desc)
    .split("\n")
    .map((line) => line.trimEnd())
    .join("\n");
}

function oneLine(desc: Described): string {
  return commentOf(desc).replaceAll(/\s+/g, " ");
}

function commentOf(desc: Described): string {
  const { leading = "", trailing = "" } = getComments(desc);
  const text = `${leading}\n${trailing}`.split("\n").map((line) => line.replace(/^ /, ""));
  return text.join("\n").trim();
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|");
}
