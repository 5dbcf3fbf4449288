import { Code } from "@connectrpc/connect";
import {
  type Server,
  type ServerInterceptingCallInterface,
  type ServerInterceptor,
  status,
} from "@grpc/grpc-js";
import { ensureServiceError, type ServiceError } from "../errors.ts";
import { STATUS_DETAILS, toGrpcStatus } from "./grpc-status.ts";
import {
  deadlineExceeded,
  methodUnknown,
  protocolError,
  type RefusalHook,
  requestTooLarge,
  UNKNOWN_METHOD,
} from "./refusal.ts";

/** Errors that grpc-js raised itself, by the call object that sent them. */
const ownErrors = new WeakMap<object, ServiceError>();

/** The error that grpc-js has ended a call with by itself; undefined when it has not. */
export function ownErrorOf(call: object): ServiceError | undefined {
  return ownErrors.get(call);
}

/** A status as grpc-js passes it around. */
type RawStatus = Parameters<ServerInterceptingCallInterface["sendStatus"]>[0];

/**
 * Gives the errors that grpc-js raises itself (message too large, bad
 * compression, no message, deadline) the same details as all others.
 *
 * grpc-js sends them from inside its innermost call object, past every
 * interceptor's own sendStatus; they all go through that object's sendStatus.
 */
export function describeOwnErrors(onRefusal: RefusalHook): ServerInterceptor {
  return (method, call) => {
    const sendStatus = call.sendStatus.bind(call);
    call.sendStatus = (raw: RawStatus) => {
      if (!lacksDetails(raw)) return sendStatus(raw);
      const error = describe(raw);
      ownErrors.set(call, error);
      // A deadline mostly ends a call that is under way, and then the guards report it.
      if (raw.code !== status.DEADLINE_EXCEEDED) onRefusal(method.path.slice(1), error);
      return sendStatus(toGrpcStatus(error, raw.metadata?.clone()));
    };
    return call as never;
  };
}

function lacksDetails(raw: RawStatus): boolean {
  if (raw.code === status.OK) return false;
  return raw.metadata === null || raw.metadata === undefined || raw.metadata.get(STATUS_DETAILS).length === 0;
}

function describe(raw: RawStatus): ServiceError {
  const details = raw.details ?? "";
  if (raw.code === status.RESOURCE_EXHAUSTED) return requestTooLarge();
  if (raw.code === status.DEADLINE_EXCEEDED) return deadlineExceeded(true);
  if (details.startsWith("Received no request message")) {
    return protocolError("the call ended before its request message was complete");
  }
  if (details.startsWith("Received a second request message")) {
    return protocolError("this method takes one request message, not several", Code.Unimplemented);
  }
  if (details.includes("unsupported encoding")) {
    return protocolError(
      "the message is compressed in a way this service does not know; use gzip",
      Code.Unimplemented,
    );
  }
  if (details.includes("decompress")) return protocolError("the message cannot be decompressed");
  if (details.includes("grpc-timeout")) return protocolError("the header grpc-timeout is malformed");
  return ensureServiceError(new Error(details));
}

/**
 * Makes a server answer unknown methods with METHOD_UNKNOWN. grpc-js answers
 * them before any interceptor, so the answer is given as the handler of every
 * method that has none.
 */
export function answerUnknownMethods(server: Server, onRefusal: RefusalHook): void {
  const retrieve: unknown = Reflect.get(server, "_retrieveHandler");
  if (typeof retrieve !== "function") throw new Error("this version of grpc-js has no _retrieveHandler");
  const handler = (path: string) => ({
    path,
    // Of all kinds, only this one is called before the request has been read.
    type: "bidi",
    serialize: (bytes: Buffer) => bytes,
    deserialize: (bytes: Buffer) => bytes,
    func: (call: { emit(event: "error", status: object): boolean }) => {
      const error = methodUnknown();
      onRefusal(UNKNOWN_METHOD, error);
      call.emit("error", toGrpcStatus(error));
    },
  });
  Reflect.set(server, "_retrieveHandler", (path: string) => retrieve.call(server, path) ?? handler(path));
}
