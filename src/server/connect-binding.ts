import type { DescService } from "@bufbuild/protobuf";
import { type DescMethod, fromBinary, type Message } from "@bufbuild/protobuf";
import type { ConnectError, ConnectRouter, HandlerContext, ServiceImpl } from "@connectrpc/connect";
import { ensureServiceError, toConnectError } from "../errors.ts";
import type { EncodedMessage } from "../rpc/service-implementation.ts";
import { errorOfAbort } from "./abort-reason.ts";
import type { AnyMethod, ServiceBinding } from "./service-binding.ts";
import { untilAborted } from "./signal-race.ts";

/** Registers a service implementation with Connect. Encoded messages of streams are decoded for it. */
export function bindToConnect(router: ConnectRouter, binding: ServiceBinding): void {
  const implementation: Record<string, unknown> = {};
  for (const method of binding.service.methods) {
    const run = binding.implementation[method.localName];
    if (run === undefined) throw new Error(`${method.toString()} has no implementation`);
    implementation[method.localName] =
      method.methodKind === "server_streaming" ? serverStream(method, run) : unary(run);
  }
  router.service(binding.service, implementation as ServiceImpl<DescService>);
}

function unary(run: AnyMethod) {
  return async (request: Message, context: HandlerContext): Promise<Message> => {
    try {
      return await (run(request, context) as Promise<Message>);
    } catch (error) {
      throw errorFor(error, context);
    }
  };
}

function serverStream(method: DescMethod, run: AnyMethod) {
  return async function* (request: Message, context: HandlerContext): AsyncGenerator<Message> {
    try {
      const source = run(request, context) as AsyncIterable<EncodedMessage>;
      for await (const message of untilAborted(source, context.signal))
        yield fromBinary(method.output, message);
    } catch (error) {
      throw errorFor(error, context);
    }
  };
}

/** The reason of the call's signal is Connect's own error, and says less than ours. */
function errorFor(error: unknown, context: HandlerContext): ConnectError {
  const { aborted, reason } = context.signal;
  return toConnectError(aborted && error === reason ? errorOfAbort(context) : ensureServiceError(error));
}
