import {
  create,
  createFileRegistry,
  type DescFile,
  type DescMessage,
  type DescService,
  type MessageInitShape,
} from "@bufbuild/protobuf";
import {
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
  FieldDescriptorProto_Label as Label,
  FieldDescriptorProto_Type as Type,
} from "@bufbuild/protobuf/wkt";

/** A .proto file that is written down as data, see {@link describeFile}. */
export type FileInit = MessageInitShape<typeof FileDescriptorProtoSchema>;
type MessageInit = NonNullable<FileInit["messageType"]>[number];
type FieldInit = NonNullable<Extract<MessageInit, { $typeName?: undefined }>["field"]>[number];

/** A singular scalar field. */
export function scalar(name: string, number: number, type: Type = Type.STRING): FieldInit {
  return { name, number, type, label: Label.OPTIONAL };
}

/** A singular field of a message or, with `type`, an enum; `typeName` begins with a dot. */
export function typed(name: string, number: number, typeName: string, type: Type = Type.MESSAGE): FieldInit {
  return { name, number, type, typeName, label: Label.OPTIONAL };
}

/** The same field, repeated. */
export function repeated(field: FieldInit): FieldInit {
  return { ...field, label: Label.REPEATED };
}

/** The same field as a member of the message's first oneof. */
export function inOneof(field: FieldInit): FieldInit {
  return { ...field, oneofIndex: 0 };
}

/**
 * Builds the descriptor of a small file without imports. Serves the protocols
 * of gRPC itself, so that they need no generated code.
 */
export function describeFile(init: FileInit): DescFile {
  const set = create(FileDescriptorSetSchema, {
    file: [create(FileDescriptorProtoSchema, { syntax: "proto3", ...init })],
  });
  const file = createFileRegistry(set).getFile(init.name ?? "");
  if (file === undefined) throw new Error(`${init.name} cannot be described`);
  return file;
}

/** The only service of a file. */
export function onlyService(file: DescFile): DescService {
  const service = file.services[0];
  if (service === undefined) throw new Error(`${file.name} has no service`);
  return service;
}

/** A message of a file, by its name within the package. */
export function messageOf(file: DescFile, name: string): DescMessage {
  const message = file.messages.find((candidate) => candidate.name === name);
  if (message === undefined) throw new Error(`${file.name} has no message ${name}`);
  return message;
}

/** Content of a message that has a descriptor but no generated type. */
export type DynamicInit = Record<string, unknown>;
