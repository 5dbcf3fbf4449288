import { type DescMethod, type Message, toBinary } from "@bufbuild/protobuf";
import type {
  handleBidiStreamingCall,
  handleServerStreamingCall,
  handleUnaryCall,
  Metadata,
} from "@grpc/grpc-js";
import { ensureServiceError, type ServiceError } from "../errors.ts";
import type { EncodedMessage } from "../rpc/service-implementation.ts";
import { type GrpcCall, GrpcCallContext, innerCall } from "./grpc-call-context.ts";
import { compressMessage, responseEncoding } from "./grpc-compression.ts";
import { decodeRequest, readRequests } from "./grpc-request-reader.ts";
import { type GrpcStatus, toGrpcStatus } from "./grpc-status.ts";
import { GrpcStreamWriter, type WritableCall } from "./grpc-stream-writer.ts";
import type { RefusalHook } from "./refusal.ts";
import type { AnyMethod } from "./service-binding.ts";
import { untilAborted } from "./signal-race.ts";

/** What the adapter shares with its listener. */
export interface GrpcAdapterOptions {
  /** Calls in progress: the adapter adds and removes, the listener aborts and counts. */
  readonly calls: Set<GrpcCallContext>;
  /** Is told of requests that cannot be decoded. */
  readonly onRefusal: RefusalHook;
  /** Unix milliseconds. */
  readonly now: () => number;
  /** Is told of calls whose request is complete, by grpc-js's own call object. */
  readonly requestRead: (call: object) => void;
}

/** Handles the calls of a unary method. */
export function unaryHandler(
  method: DescMethod,
  implementation: AnyMethod,
  options: GrpcAdapterOptions,
): handleUnaryCall<Uint8Array, Uint8Array> {
  return (call, callback) => {
    options.requestRead(innerCall(call));
    void runCall(call, options, async (context) => {
      const request = decodeOrRefuse(method, call.request, options);
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

/** Handles the calls of a server-streaming method. */
export function serverStreamHandler(
  method: DescMethod,
  implementation: AnyMethod,
  options: GrpcAdapterOptions,
): handleServerStreamingCall<Uint8Array, Uint8Array> {
  return (call) => {
    options.requestRead(innerCall(call));
    void runCall(call, options, (context) => {
      const request = decodeOrRefuse(method, call.request, options);
      return respond(call, context, implementation(request, context) as AsyncIterable<EncodedMessage>);
    }).then((status) => {
      if (status !== undefined) call.emit("error", status);
    });
  };
}

/** Handles the calls of a bidirectional method. */
export function bidiHandler(
  method: DescMethod,
  implementation: AnyMethod,
  options: GrpcAdapterOptions,
): handleBidiStreamingCall<Uint8Array, Uint8Array> {
  return (call) => {
    void runCall(call, options, (context) => {
      const requests = readRequests(method, call, context.signal);
      return respond(call, context, implementation(requests, context) as AsyncIterable<EncodedMessage>);
    }).then((status) => {
      if (status !== undefined) call.emit("error", status);
    });
  };
}

/** A call to which responses are written one after the other. */
interface ResponseStream extends WritableCall {
  readonly metadata: Metadata;
  end(metadata: Metadata): void;
}

async function respond(
  call: ResponseStream,
  context: GrpcCallContext,
  responses: AsyncIterable<EncodedMessage>,
): Promise<void> {
  const encoding = responseEncoding(call.metadata);
  using writer = new GrpcStreamWriter(call, context.signal);
  let started = false;
  for await (const message of untilAborted(responses, context.signal)) {
    // The implementation may set metadata up to its first message.
    if (!started) context.sendHeader(encoding);
    started = true;
    await writer.write(encoding === undefined ? message : await compressMessage(message));
  }
  if (!started) context.sendHeader(encoding);
  context.finish();
  call.end(context.trailer());
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

/** No implementation sees these requests, so the guards do not report them. */
function decodeOrRefuse(method: DescMethod, bytes: Uint8Array, options: GrpcAdapterOptions): Message {
  try {
    return decodeRequest(method, bytes);
  } catch (error) {
    options.onRefusal(`${method.parent.typeName}/${method.name}`, error as ServiceError);
    throw error;
  }
}
