import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import {
  create,
  createFileRegistry,
  createRegistry,
  fromBinary,
  getOption,
  hasOption,
} from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { field as fieldRules } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import * as grpc from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { EventsService } from "../gen/infobip/events/v1/events_service_pb.js";
import { MessagesService } from "../gen/infobip/messages/v1/messages_service_pb.js";
import { healthService } from "../src/server/health-descriptor.ts";
import { createReflection } from "../src/server/reflection.ts";
import { Rig } from "./server-rig.ts";

const PROTOS = join(
  dirname(createRequire(import.meta.url).resolve("@grpc/reflection/package.json")),
  "build/proto",
);

interface Answer {
  originalRequest: object;
  listServicesResponse?: { service: { name: string }[] };
  fileDescriptorResponse?: { fileDescriptorProto: Buffer[] };
  allExtensionNumbersResponse?: { baseTypeName: string; extensionNumber: number[] };
  errorResponse?: { errorCode: number; errorMessage: string };
}

describe.each(["v1", "v1alpha"])("grpc.reflection.%s", (version) => {
  let rig: Rig;
  let client: grpc.Client;
  let definition: grpc.MethodDefinition<object, Answer>;

  beforeEach(async () => {
    rig = await Rig.start({ raw: createReflection([MessagesService, EventsService, healthService]) });
    client = new grpc.Client(rig.grpcAddress, grpc.credentials.createInsecure());
    // The messages of @grpc/reflection's own .proto files, so that nothing of ours checks itself.
    const loaded = loadSync(`grpc/reflection/${version}/reflection.proto`, { includeDirs: [PROTOS] });
    const service = loaded[`grpc.reflection.${version}.ServerReflection`] as grpc.ServiceDefinition;
    definition = service.ServerReflectionInfo as grpc.MethodDefinition<object, Answer>;
  });
  afterEach(async () => {
    client.close();
    await rig[Symbol.asyncDispose]();
  });

  async function ask(...questions: object[]): Promise<Answer[]> {
    const call = client.makeBidiStreamRequest(
      definition.path,
      definition.requestSerialize,
      definition.responseDeserialize,
    );
    for (const question of questions) call.write(question);
    call.end();
    const answers: Answer[] = [];
    for await (const answer of call) answers.push(answer as Answer);
    return answers;
  }

  it("lists all services", async () => {
    const [answer] = await ask({ listServices: "*" });
    expect(answer?.listServicesResponse?.service.map((service) => service.name).sort()).toEqual([
      "grpc.health.v1.Health",
      "grpc.reflection.v1.ServerReflection",
      "grpc.reflection.v1alpha.ServerReflection",
      "infobip.events.v1.EventsService",
      "infobip.messages.v1.MessagesService",
    ]);
  });

  it("gives a file with everything it imports, rules and JSON names included", async () => {
    const [answer] = await ask({ fileContainingSymbol: "infobip.messages.v1.MessagesService" });
    const file = (answer?.fileDescriptorResponse?.fileDescriptorProto ?? []).map((bytes) =>
      fromBinary(FileDescriptorProtoSchema, bytes),
    );
    expect(file[0]?.name).toBe("infobip/messages/v1/messages_service.proto");
    // Building a registry fails when an import is missing or comes too late.
    const registry = createFileRegistry(create(FileDescriptorSetSchema, { file: file.reverse() }));
    const request = registry.getMessage("infobip.messages.v1.SendMessagesRequest");
    const messages = request?.field.messages;
    if (messages === undefined) throw new Error("the field messages is missing");
    expect(hasOption(messages, fieldRules)).toBe(true);
    expect(getOption(messages, fieldRules).type.case).toBe("repeated");
    expect(
      createRegistry(registry).getMessage("infobip.messages.v1.SendResult")?.field.messageIndex?.jsonName,
    ).toBe("messageIndex");
  });

  it.each([
    ["infobip.messages.v1.MessagesService.SendMessages", "infobip/messages/v1/messages_service.proto"],
    ["infobip.messages.v1.Channel", "infobip/messages/v1/channel.proto"],
    ["google.rpc.ErrorInfo", "google/rpc/error_details.proto"],
    ["grpc.health.v1.Health", "grpc/health/v1/health.proto"],
    ["buf.validate.FieldRules", "buf/validate/validate.proto"],
  ])("finds %s", async (symbol, name) => {
    const [bySymbol, byName] = await ask({ fileContainingSymbol: symbol }, { fileByFilename: name });
    const first = bySymbol?.fileDescriptorResponse?.fileDescriptorProto[0];
    expect(first && fromBinary(FileDescriptorProtoSchema, first).name).toBe(name);
    expect(byName?.fileDescriptorResponse?.fileDescriptorProto[0]).toEqual(first);
  });

  it("finds extensions", async () => {
    const [numbers, file] = await ask(
      { allExtensionNumbersOfType: "google.protobuf.FieldOptions" },
      { fileContainingExtension: { containingType: "google.protobuf.FieldOptions", extensionNumber: 50991 } },
    );
    expect(numbers?.allExtensionNumbersResponse?.extensionNumber).toContain(50991);
    const bytes = file?.fileDescriptorResponse?.fileDescriptorProto[0];
    expect(bytes && fromBinary(FileDescriptorProtoSchema, bytes).name).toBe("infobip/options/v1/json.proto");
  });

  it("answers what it does not know with NOT_FOUND and goes on", async () => {
    const answers = await ask(
      { fileContainingSymbol: "no.Such" },
      { fileByFilename: "no.proto" },
      { listServices: "" },
    );
    expect(answers.map((answer) => answer.errorResponse?.errorCode)).toEqual([5, 5, undefined]);
    expect(answers[0]?.originalRequest).toMatchObject({ fileContainingSymbol: "no.Such" });
  });
});
