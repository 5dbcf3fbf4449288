import type { Registry } from "@bufbuild/protobuf";
import { Code, ConnectError, type HandlerContext } from "@connectrpc/connect";
import { type ServiceError, toConnectError } from "../errors.ts";
import { errorOfAbort } from "./abort-reason.ts";
import { explainJsonError } from "./json-parse-error.ts";
import {
  cancelled,
  deadlineExceeded,
  protocolError,
  type RefusalHook,
  requestInvalid,
  requestTooLarge,
} from "./refusal.ts";

/**
 * Gives the errors that Connect raises itself (unreadable or too large
 * requests, bad compression, deadlines) the same details as all others, and
 * takes the request's values out of their text.
 *
 * Such errors pass no interceptor. But in every protocol the handler aborts
 * the call's context with the error before it writes it, and the gate is the
 * one place that sees the context before the request is read.
 */
export function describeConnectErrors(registry: Registry, onRefusal: RefusalHook) {
  return (context: HandlerContext): void => {
    const { signal } = context;
    if (signal.aborted) throw toConnectError(errorOfAbort(context, false));
    signal.addEventListener(
      "abort",
      () => {
        // A lost connection aborts too; nobody reads that error, and its reason is the implementation's to see.
        if (isAborted(context, "requestSignal")) return;
        const error: unknown = signal.reason;
        if (!(error instanceof ConnectError) || error.details.length > 0) return;
        const described = describeConnectError(error, registry);
        replace(error, described);
        if (described.code !== Code.DeadlineExceeded && described.code !== Code.Canceled) {
          onRefusal(`${context.service.typeName}/${context.method.name}`, described, context.protocolName);
        }
      },
      { once: true },
    );
  };
}

/** Connect keeps the signals that a context is made of on it, though its type does not say so. */
function isAborted(context: HandlerContext, name: "requestSignal"): boolean {
  const signal: unknown = Reflect.get(context, name);
  return signal instanceof AbortSignal && signal.aborted;
}

/** Writes one error's content into another, which is already on its way to the client. */
function replace(target: ConnectError, source: ServiceError): void {
  const { code, rawMessage, message, details } = toConnectError(source);
  Object.assign(target, { code, rawMessage, message, details });
}

/** What an error that Connect raised while it read a request means to the caller. */
export function describeConnectError(error: ConnectError, registry: Registry): ServiceError {
  const text = error.rawMessage;
  switch (error.code) {
    case Code.ResourceExhausted:
      return requestTooLarge();
    case Code.DeadlineExceeded:
      return deadlineExceeded(true);
    case Code.Canceled:
    case Code.Aborted:
      return cancelled(true);
    case Code.Unimplemented:
      return describeUnimplemented(text);
    case Code.InvalidArgument:
      return describeInvalid(error, registry);
    default:
      return text.startsWith("parse binary")
        ? requestInvalid("the request is no valid message in the binary format")
        : protocolError("the request cannot be read");
  }
}

function describeUnimplemented(text: string): ServiceError {
  if (text.includes("missing input message")) {
    return protocolError("the call ended before its request message was complete");
  }
  return text.includes("unknown compression")
    ? protocolError(
        "the request is compressed in a way this service does not know; use gzip",
        Code.Unimplemented,
      )
    : protocolError("this method takes one request message, not several", Code.Unimplemented);
}

function describeInvalid(error: ConnectError, registry: Registry): ServiceError {
  const text = error.rawMessage;
  if (text.startsWith("cannot decode")) {
    const { description, element } = explainJsonError(error.cause ?? error, registry);
    return requestInvalid(description, [], element === undefined ? {} : { element });
  }
  if (text.includes("timeout")) return protocolError("the timeout of the call is malformed or too long");
  if (text.includes("decompress")) return protocolError("the request cannot be decompressed");
  return protocolError("the request is incomplete or does not follow the protocol");
}
