import type { Message, Registry } from "@bufbuild/protobuf";
import { ConnectError } from "@connectrpc/connect";
import { ensureServiceError, type ServiceError } from "../errors.ts";
import type { CallContext } from "../rpc/call-context.ts";
import { errorOfAbort, errorOfLeaving } from "./abort-reason.ts";
import { describeConnectError } from "./connect-error-info.ts";
import { halfClosed } from "./half-close.ts";
import { untilAborted } from "./signal-race.ts";

/**
 * The messages of a bidirectional call as an implementation takes them: what
 * Connect throws while it reads and decodes them becomes a ServiceError.
 */
export async function* readRequests(
  requests: AsyncIterable<Message>,
  context: CallContext,
  registry: Registry,
): AsyncGenerator<Message> {
  try {
    yield* untilAborted(requests, context.signal);
    await halfClosed(context.signal);
  } catch (error) {
    throw errorFor(error, context, registry);
  }
}

function errorFor(error: unknown, context: CallContext, registry: Registry): ServiceError {
  if (context.signal.aborted) return errorOfAbort(context);
  if (error instanceof ConnectError) return describeConnectError(error, registry);
  // What Node throws for a connection that broke has a code.
  const isBroken = error instanceof Error && "code" in error;
  return isBroken ? errorOfLeaving(context.timeoutMs()) : ensureServiceError(error);
}
