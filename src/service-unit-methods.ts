import type { DescMethodBiDiStreaming, DescMethodUnary, Message, MessageShape } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { ServiceError } from "./errors.ts";
import type { CallContext } from "./rpc/call-context.ts";
import type { EncodedMessage } from "./rpc/service-implementation.ts";

/** Method implementations by local name, without their types: the fleet passes messages of the very method. */
export type UnitMethods = Readonly<
  Record<
    string,
    | ((
        request: Message | AsyncIterable<Message>,
        context: CallContext,
      ) => Promise<MessageShape<DescMethodUnary["output"]>> | AsyncIterable<EncodedMessage>)
    | undefined
  >
>;

/** Runs a unary method. Rejects with METHOD_UNKNOWN where there is none, or as it does. */
export async function callUnary(
  methods: UnitMethods,
  method: DescMethodUnary,
  request: Message,
  context: CallContext,
): Promise<MessageShape<DescMethodUnary["output"]>> {
  const run = methods[method.localName];
  if (run === undefined) throw notOfUnit();
  return run(request, context) as Promise<MessageShape<DescMethodUnary["output"]>>;
}

/** Runs a stream. Throws METHOD_UNKNOWN where there is none. */
export function callBidi(
  methods: UnitMethods,
  method: DescMethodBiDiStreaming,
  requests: AsyncIterable<Message>,
  context: CallContext,
): AsyncIterable<EncodedMessage> {
  const run = methods[method.localName];
  if (run === undefined) throw notOfUnit();
  return run(requests, context) as AsyncIterable<EncodedMessage>;
}

function notOfUnit(): ServiceError {
  return new ServiceError(
    Code.Unimplemented,
    "METHOD_UNKNOWN",
    "the instance that does this work does not have the method; update all instances to one version",
  );
}
