import type { DescFile } from "@bufbuild/protobuf";
import { FieldDescriptorProto_Type as Type } from "@bufbuild/protobuf/wkt";
import { describeFile, inOneof, repeated, scalar, typed } from "./describe-proto.ts";

/** Versions of the reflection protocol; they differ in nothing but the package. */
export type ReflectionVersion = "v1" | "v1alpha";

/** grpc/reflection/<version>/reflection.proto. */
export function reflectionFile(version: ReflectionVersion): DescFile {
  const packageName = `grpc.reflection.${version}`;
  const type = (name: string) => `.${packageName}.${name}`;
  return describeFile({
    name: `grpc/reflection/${version}/reflection.proto`,
    package: packageName,
    messageType: [
      {
        name: "ServerReflectionRequest",
        oneofDecl: [{ name: "message_request" }],
        field: [
          scalar("host", 1),
          inOneof(scalar("file_by_filename", 3)),
          inOneof(scalar("file_containing_symbol", 4)),
          inOneof(typed("file_containing_extension", 5, type("ExtensionRequest"))),
          inOneof(scalar("all_extension_numbers_of_type", 6)),
          inOneof(scalar("list_services", 7)),
        ],
      },
      {
        name: "ExtensionRequest",
        field: [scalar("containing_type", 1), scalar("extension_number", 2, Type.INT32)],
      },
      {
        name: "ServerReflectionResponse",
        oneofDecl: [{ name: "message_response" }],
        field: [
          scalar("valid_host", 1),
          typed("original_request", 2, type("ServerReflectionRequest")),
          inOneof(typed("file_descriptor_response", 4, type("FileDescriptorResponse"))),
          inOneof(typed("all_extension_numbers_response", 5, type("ExtensionNumberResponse"))),
          inOneof(typed("list_services_response", 6, type("ListServiceResponse"))),
          inOneof(typed("error_response", 7, type("ErrorResponse"))),
        ],
      },
      {
        name: "FileDescriptorResponse",
        field: [repeated(scalar("file_descriptor_proto", 1, Type.BYTES))],
      },
      {
        name: "ExtensionNumberResponse",
        field: [scalar("base_type_name", 1), repeated(scalar("extension_number", 2, Type.INT32))],
      },
      { name: "ListServiceResponse", field: [repeated(typed("service", 1, type("ServiceResponse")))] },
      { name: "ServiceResponse", field: [scalar("name", 1)] },
      { name: "ErrorResponse", field: [scalar("error_code", 1, Type.INT32), scalar("error_message", 2)] },
    ],
    service: [
      {
        name: "ServerReflection",
        method: [
          {
            name: "ServerReflectionInfo",
            inputType: type("ServerReflectionRequest"),
            outputType: type("ServerReflectionResponse"),
            clientStreaming: true,
            serverStreaming: true,
          },
        ],
      },
    ],
  });
}
