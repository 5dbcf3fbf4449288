/**
 * Writes buf/validate/validate.proto, as the descriptor inside
 * `@bufbuild/protovalidate` has it, into the git-ignored folder
 * `.proto-dependencies`, so that buf resolves the import without a schema
 * registry. Options of the file itself are left out: only names, numbers and
 * types matter to an importer.
 */
import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import {
  type DescEnum,
  type DescExtension,
  type DescField,
  type DescFile,
  type DescMessage,
  ScalarType,
} from "@bufbuild/protobuf";
import { FieldDescriptorProto_Label, FieldDescriptorProto_Type } from "@bufbuild/protobuf/wkt";
import { file_buf_validate_validate } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";

const OUT = new URL("../.proto-dependencies/", import.meta.url).pathname;

function typeName(field: DescField | DescExtension): string {
  if (field.proto.type === FieldDescriptorProto_Type.GROUP)
    throw new Error(`group ${field.name} is not supported`);
  const named = field.message ?? field.enum;
  if (named) return `.${named.typeName}`;
  if (field.scalar === undefined) throw new Error(`field ${field.name} has no type`);
  return ScalarType[field.scalar].toLowerCase();
}

function printField(field: DescField | DescExtension, inOneof: boolean): string {
  if (field.fieldKind === "map") {
    const value = field.message ?? field.enum;
    const valueType = value ? `.${value.typeName}` : ScalarType[field.scalar as ScalarType].toLowerCase();
    return `map<${ScalarType[field.mapKey].toLowerCase()}, ${valueType}> ${field.name} = ${field.number};`;
  }
  const repeated = field.proto.label === FieldDescriptorProto_Label.REPEATED;
  const label = inOneof ? "" : repeated ? "repeated " : "optional ";
  return `${label}${typeName(field)} ${field.name} = ${field.number};`;
}

function printEnum(desc: DescEnum): string {
  const values = desc.values.map((value) => `${value.name} = ${value.number};`);
  return `enum ${desc.name} {\n${values.join("\n")}\n}`;
}

function printMessage(desc: DescMessage): string {
  const parts: string[] = [...desc.nestedEnums.map(printEnum)];
  for (const nested of desc.nestedMessages) {
    if (!nested.proto.options?.mapEntry) parts.push(printMessage(nested));
  }
  for (const member of desc.members) {
    if (member.kind === "oneof") {
      parts.push(`oneof ${member.name} {\n${member.fields.map((f) => printField(f, true)).join("\n")}\n}`);
    } else {
      parts.push(printField(member, false));
    }
  }
  for (const range of desc.proto.extensionRange)
    parts.push(`extensions ${range.start} to ${(range.end ?? 0) - 1};`);
  return `message ${desc.name} {\n${parts.join("\n")}\n}`;
}

function printFile(file: DescFile): string {
  const extensions = file.extensions.map(
    (ext) => `extend .${ext.extendee.typeName} {\n${printField(ext, false)}\n}`,
  );
  return [
    'syntax = "proto2";',
    `package ${file.proto.package};`,
    ...file.dependencies.map((dependency) => `import "${dependency.proto.name}";`),
    ...file.enums.map(printEnum),
    ...file.messages.map(printMessage),
    ...extensions,
    "",
  ].join("\n\n");
}

const target = join(OUT, file_buf_validate_validate.proto.name);
mkdirSync(dirname(target), { recursive: true });
// Whoever reads it meanwhile finds it whole.
const written = `${target}.${process.pid}`;
writeFileSync(written, printFile(file_buf_validate_validate));
renameSync(written, target);
