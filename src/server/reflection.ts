import {
  create,
  type DescFile,
  type DescMessage,
  type DescService,
  fromBinary,
  type Message,
  toBinary,
} from "@bufbuild/protobuf";
import type { handleBidiStreamingCall } from "@grpc/grpc-js";
import { file_google_rpc_error_details } from "../../gen/google/rpc/error_details_pb.js";
import { type DynamicInit, messageOf, onlyService } from "./describe-proto.ts";
import { DescriptorIndex } from "./descriptor-index.ts";
import { type GrpcService, methodDefinition } from "./grpc-adapter.ts";
import { toGrpcStatus } from "./grpc-status.ts";
import { type ReflectionVersion, reflectionFile } from "./reflection-descriptor.ts";
import { requestInvalid } from "./refusal.ts";
import { serviceFiles } from "./service-files.ts";

const NOT_FOUND = 5;
const UNIMPLEMENTED = 12;

/** A question of the reflection protocol. */
type Question =
  | {
      case: "fileByFilename" | "fileContainingSymbol" | "allExtensionNumbersOfType" | "listServices";
      value: string;
    }
  | { case: "fileContainingExtension"; value: { containingType: string; extensionNumber: number } }
  | { case: undefined; value?: undefined };
/** An answer of the reflection protocol, as a member of the response's oneof. */
type Answer = { case: string; value: object };

/**
 * Makes server reflection, v1 and v1alpha, over the descriptors of the
 * services, of everything they import and of `extraFiles` (by default those of
 * the error details). Custom options, and with them the validation rules, are kept.
 */
export function createReflection(
  services: readonly DescService[],
  extraFiles: readonly DescFile[] = [file_google_rpc_error_details],
): GrpcService[] {
  const versions: ReflectionVersion[] = ["v1", "v1alpha"];
  const own = versions.map(reflectionFile);
  const listed = [...services, ...own.map(onlyService)];
  const index = new DescriptorIndex(serviceFiles(listed, extraFiles));
  const names = listed.map((service) => service.typeName);
  return own.map((file) => reflectionService(file, (question) => answer(question, index, names)));
}

function reflectionService(file: DescFile, reply: (question: Question) => Answer): GrpcService {
  const path = `/${onlyService(file).typeName}/ServerReflectionInfo`;
  const input = messageOf(file, "ServerReflectionRequest");
  const output = messageOf(file, "ServerReflectionResponse");
  const serverReflectionInfo: handleBidiStreamingCall<Uint8Array, Uint8Array> = (call) => {
    void (async () => {
      // The next question is read when the answer to the last has left: a client that reads nothing costs nothing.
      // The stream must outlive its reading side, to end with a status.
      for await (const bytes of call.iterator({ destroyOnReturn: false })) {
        const answered = new Promise((resolve) => {
          call.once("close", resolve);
          call.write(respond(bytes as Uint8Array, input, output, reply), resolve);
        });
        await answered;
      }
      call.end();
    })().catch(() => {
      call.emit("error", toGrpcStatus(requestInvalid("the request is no valid ServerReflectionRequest")));
    });
  };
  return {
    definition: { serverReflectionInfo: methodDefinition(path, true, true) },
    handlers: { serverReflectionInfo },
  };
}

function respond(
  bytes: Uint8Array,
  input: DescMessage,
  output: DescMessage,
  reply: (question: Question) => Answer,
): Uint8Array {
  const request = fromBinary(input, bytes) as Message & { host: string; messageRequest: Question };
  const response = {
    validHost: request.host,
    originalRequest: request,
    messageResponse: reply(request.messageRequest),
  };
  return toBinary(output, create(output, response as DynamicInit));
}

function answer(question: Question, index: DescriptorIndex, services: readonly string[]): Answer {
  switch (question.case) {
    case "listServices":
      return { case: "listServicesResponse", value: { service: services.map((name) => ({ name })) } };
    case "fileByFilename":
      return fileAnswer(index, index.byName(question.value));
    case "fileContainingSymbol":
      return fileAnswer(index, index.bySymbol(question.value));
    case "fileContainingExtension":
      return fileAnswer(
        index,
        index.byExtension(question.value.containingType, question.value.extensionNumber),
      );
    case "allExtensionNumbersOfType": {
      const extensionNumber = index.extensionNumbers(question.value);
      if (extensionNumber === undefined) return errorAnswer(NOT_FOUND, "no such message type");
      return {
        case: "allExtensionNumbersResponse",
        value: { baseTypeName: question.value, extensionNumber },
      };
    }
    default:
      return errorAnswer(UNIMPLEMENTED, "no such question");
  }
}

function fileAnswer(index: DescriptorIndex, file: DescFile | undefined): Answer {
  if (file === undefined) return errorAnswer(NOT_FOUND, "no file defines this");
  return { case: "fileDescriptorResponse", value: { fileDescriptorProto: index.encodeWithImports(file) } };
}

function errorAnswer(errorCode: number, errorMessage: string): Answer {
  return { case: "errorResponse", value: { errorCode, errorMessage } };
}
