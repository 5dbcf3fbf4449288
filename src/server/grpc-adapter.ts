import type { DescMethod } from "@bufbuild/protobuf";
import type {
  MethodDefinition,
  ServiceDefinition,
  UntypedHandleCall,
  UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { asBuffer } from "./grpc-compression.ts";
import { bidiHandler, type GrpcAdapterOptions, serverStreamHandler, unaryHandler } from "./grpc-handlers.ts";
import type { AnyMethod, ServiceBinding } from "./service-binding.ts";

/** A service as grpc-js's Server.addService takes it. */
export interface GrpcService {
  readonly definition: ServiceDefinition;
  readonly handlers: UntypedServiceImplementation;
}

/**
 * Binds a service implementation to grpc-js. Serializers pass bytes through:
 * requests are decoded by the handlers, so that bytes which are no message are
 * the caller's error, and encoded responses are written as they are.
 * Throws for a client-streaming method.
 */
export function adaptService(binding: ServiceBinding, options: GrpcAdapterOptions): GrpcService {
  const definition: Record<string, MethodDefinition<Uint8Array, Uint8Array>> = {};
  const handlers: UntypedServiceImplementation = {};
  for (const method of binding.service.methods) {
    const implementation = binding.implementation[method.localName];
    if (implementation === undefined) throw new Error(`${method.toString()} has no implementation`);
    definition[method.localName] = methodDefinition(
      `/${binding.service.typeName}/${method.name}`,
      method.methodKind !== "unary",
      method.methodKind === "bidi_streaming",
    );
    handlers[method.localName] = handlerOf(method, implementation, options);
  }
  return { definition, handlers };
}

/** Definition of a method whose messages stay bytes. */
export function methodDefinition(
  path: string,
  responseStream: boolean,
  requestStream = false,
): MethodDefinition<Uint8Array, Uint8Array> {
  return {
    path,
    requestStream,
    responseStream,
    requestSerialize: asBuffer,
    requestDeserialize: (bytes) => bytes,
    responseSerialize: asBuffer,
    responseDeserialize: (bytes) => bytes,
  };
}

function handlerOf(
  method: DescMethod,
  implementation: AnyMethod,
  options: GrpcAdapterOptions,
): UntypedHandleCall {
  switch (method.methodKind) {
    case "unary":
      return unaryHandler(method, implementation, options);
    case "server_streaming":
      return serverStreamHandler(method, implementation, options);
    case "bidi_streaming":
      return bidiHandler(method, implementation, options);
    default:
      throw new Error(`${method.toString()}: ${method.methodKind} methods are not supported`);
  }
}
