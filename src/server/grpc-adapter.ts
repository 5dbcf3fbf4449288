import { type DescMethod, fromBinary, type Message, toBinary } from "@bufbuild/protobuf";
import type {
  handleServerStreamingCall,
  handleUnaryCall,
  MethodDefinition,
  ServiceDefinition,
  UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { ensureServiceError } from "../errors.ts";
import type { EncodedMessage } from "../rpc/service-implementation.ts";
import { type GrpcCall, GrpcCallContext } from "./grpc-call-context.ts";
import { asBuffer, compressMessage, responseEncoding } from "./grpc-compression.ts";
import { type GrpcStatus, toGrpcStatus } from "./grpc-status.ts";
import { GrpcStreamWriter } from "./grpc-stream-writer.ts";
import { type RefusalHook, requestInvalid } from "./refusal.ts";
import type { AnyMethod, ServiceBinding } from "./service-binding.ts";
import { untilAborted } from "./signal-race.ts";

/** What the adapter shares with its listener. */
export interface GrpcAdapterOptions {
  /** Calls in progress: the adapter adds and removes, the listener aborts and counts. */
  readonly calls: Set<GrpcCallContext>;
  /** Is told of requests that cannot be decoded. */
  readonly onRefusal: RefusalHook;
  /** Unix milliseconds. */
  readonly now: () => number;
}

/** A service as grpc-js's Server.addService takes it. */
export interface GrpcService {
  readonly definition: ServiceDefinition;
  readonly handlers: UntypedServiceImplementation;
}

/**
 * Binds a service implementation to grpc-js. Serializers pass bytes through:
 * requests are decoded here, so that bytes which are no message are the
 * caller's error, and encoded responses are written as they are.
 * Throws for a client-streaming or bidirectional method.
 */
export function adaptService(binding: ServiceBinding, options: GrpcAdapterOptions): GrpcService {
  const definition: Record<string, MethodDefinition<Uint8Array, Uint8Array>> = {};
  const handlers: UntypedServiceImplementation = {};
  for (const method of binding.service.methods) {
    const implementation = binding.implementation[method.localName];
    if (implementation === undefined) throw new Error(`${method.toString()} has no implementation`);
    definition[method.localName] = methodDefinition(
      `/${binding.service.typeName}/${method.name}`,
      method.methodKind === "server_streaming",
    );
    if (method.methodKind === "unary") {
      handlers[method.localName] = unaryHandler(method, implementation, options);
    } else if (method.methodKind === "server_streaming") {
      handlers[method.localName] = serverStreamHandler(method, implementation, options);
    } else {
      throw new Error(`${method.toString()}: ${method.methodKind} methods are not supported`);
    }
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

function unaryHandler(
  method: DescMethod,
  implementation: AnyMethod,
  options: GrpcAdapterOptions,
): handleUnaryCall<Uint8Array, Uint8Array> {
  return (call, callback) => {
    void runCall(call, options, async (context) => {
      const request = decodeRequest(method, call.request, options);
      const response = await (implementation(request, context) as Promise<Message>);
      const encoding = responseEncoding(call.metadata);
      const bytes = toBinary(method.output, response);
      const message = encoding === undefined ? bytes : await compressMessage(bytes);
      context.sendHeader(encoding);
      context.finish();
      callback(null, message, context.trailer());
    }).then((status) => {
      if (status !== undefined) callback(status);
    });
  };
}

function serverStreamHandler(
  method: DescMethod,
  implementation: AnyMethod,
  options: GrpcAdapterOptions,
): handleServerStreamingCall<Uint8Array, Uint8Array> {
  return (call) => {
    void runCall(call, options, async (context) => {
      const request = decodeRequest(method, call.request, options);
      const encoding = responseEncoding(call.metadata);
      using writer = new GrpcStreamWriter(call, context.signal);
      const source = implementation(request, context) as AsyncIterable<EncodedMessage>;
      let started = false;
      for await (const message of untilAborted(source, context.signal)) {
        // The implementation may set metadata up to its first message.
        if (!started) context.sendHeader(encoding);
        started = true;
        await writer.write(encoding === undefined ? message : await compressMessage(message));
      }
      if (!started) context.sendHeader(encoding);
      context.finish();
      call.end(context.trailer());
    }).then((status) => {
      if (status !== undefined) call.emit("error", status);
    });
  };
}

/** Runs one call. Never rejects: gives the status to end the call with when it failed. */
async function runCall(
  call: GrpcCall,
  options: GrpcAdapterOptions,
  body: (context: GrpcCallContext) => Promise<void>,
): Promise<GrpcStatus | undefined> {
  const context = new GrpcCallContext(call, options.now);
  options.calls.add(context);
  try {
    await body(context);
    return undefined;
  } catch (error) {
    context.finish();
    return failureStatus(context, error);
  } finally {
    options.calls.delete(context);
  }
}

function failureStatus(context: GrpcCallContext, error: unknown): GrpcStatus {
  const failure = ensureServiceError(error);
  try {
    context.sendHeader(undefined);
    return toGrpcStatus(failure, context.trailer());
  } catch {
    // Metadata that the implementation set cannot be sent over HTTP/2: the error matters more.
    return toGrpcStatus(failure);
  }
}

function decodeRequest(method: DescMethod, bytes: Uint8Array, options: GrpcAdapterOptions): Message {
  try {
    return fromBinary(method.input, bytes);
  } catch {
    // The decoder's text may quote the request, so it is not passed on.
    const error = requestInvalid(`the request is no valid ${method.input.typeName} in the binary format`);
    options.onRefusal(`${method.parent.typeName}/${method.name}`, error);
    throw error;
  }
}
