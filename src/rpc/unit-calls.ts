import type { DescMethodBiDiStreaming, DescMethodUnary, MessageShape } from "@bufbuild/protobuf";
import type { CallContext } from "./call-context.ts";
import type { EncodedMessage } from "./service-implementation.ts";

/** Runs calls that concern a unit of work, such as one subscription, in the process that owns it. */
export interface UnitCalls {
  /** Rejects as the method does, or with ServiceError OWNER_LOST, LOG_UNAVAILABLE, OVERLOADED or DRAINING. */
  unary<M extends DescMethodUnary>(
    unit: string,
    method: M,
    request: MessageShape<M["input"]>,
    context: CallContext,
  ): Promise<MessageShape<M["output"]>>;
  /** Fails as {@link UnitCalls.unary} does. */
  bidi<M extends DescMethodBiDiStreaming>(
    unit: string,
    method: M,
    requests: AsyncIterable<MessageShape<M["input"]>>,
    context: CallContext,
  ): AsyncIterable<EncodedMessage>;
}
