import type { DescService, Registry } from "@bufbuild/protobuf";
import { type DescMethod, fromBinary, type Message } from "@bufbuild/protobuf";
import type { ConnectError, ConnectRouter, HandlerContext, ServiceImpl } from "@connectrpc/connect";
import { ensureServiceError, toConnectError } from "../errors.ts";
import type { CallContext } from "../rpc/call-context.ts";
import type { EncodedMessage } from "../rpc/service-implementation.ts";
import { errorOfAbort } from "./abort-reason.ts";
import { readRequests } from "./connect-requests.ts";
import { connectionIn, connectionName } from "./connection-name.ts";
import { peerIdentityOf } from "./peer-identity.ts";
import type { AnyMethod, ServiceBinding } from "./service-binding.ts";
import { untilAborted } from "./signal-race.ts";

/**
 * Registers a service implementation with Connect. Encoded messages of streams are decoded for it. Errors of JSON
 * requests name what the registry knows. Throws for a client-streaming method.
 */
export function bindToConnect(router: ConnectRouter, binding: ServiceBinding, registry: Registry): void {
  const implementation: Record<string, unknown> = {};
  for (const method of binding.service.methods) {
    const run = binding.implementation[method.localName];
    if (run === undefined) throw new Error(`${method.toString()} has no implementation`);
    implementation[method.localName] = handlerOf(method, run, registry);
  }
  router.service(binding.service, implementation as ServiceImpl<DescService>);
}

function handlerOf(method: DescMethod, run: AnyMethod, registry: Registry) {
  switch (method.methodKind) {
    case "unary":
      return unary(run);
    case "server_streaming":
      return serverStream(method, run);
    case "bidi_streaming":
      return bidi(method, run, registry);
    default:
      throw new Error(`${method.toString()}: ${method.methodKind} methods are not supported`);
  }
}

function unary(run: AnyMethod) {
  return async (request: Message, context: HandlerContext): Promise<Message> => {
    try {
      return await (run(request, callContext(context)) as Promise<Message>);
    } catch (error) {
      throw errorFor(error, context);
    }
  };
}

function serverStream(method: DescMethod, run: AnyMethod) {
  return (request: Message, context: HandlerContext): AsyncGenerator<Message> =>
    respond(method, run(request, callContext(context)) as AsyncIterable<EncodedMessage>, context);
}

function bidi(method: DescMethod, run: AnyMethod, registry: Registry) {
  return (requests: AsyncIterable<Message>, context: HandlerContext): AsyncGenerator<Message> => {
    const read = readRequests(requests, context, registry);
    return respond(method, run(read, callContext(context)) as AsyncIterable<EncodedMessage>, context);
  };
}

async function* respond(
  method: DescMethod,
  responses: AsyncIterable<EncodedMessage>,
  context: HandlerContext,
): AsyncGenerator<Message> {
  try {
    for await (const message of untilAborted(responses, context.signal))
      yield fromBinary(method.output, message);
  } catch (error) {
    throw errorFor(error, context);
  }
}

/** Connect's context is made for one call, so what it lacks is added to it. */
export function callContext(context: HandlerContext): CallContext {
  const connection = connectionIn(context.values);
  const peerIdentity = peerIdentityOf(connection);
  return Object.assign(context, { peer: connectionName(connection) }, peerIdentity && { peerIdentity });
}

/** The reason of the call's signal is Connect's own error, and says less than ours. */
function errorFor(error: unknown, context: HandlerContext): ConnectError {
  const { aborted, reason } = context.signal;
  return toConnectError(aborted && error === reason ? errorOfAbort(context) : ensureServiceError(error));
}
