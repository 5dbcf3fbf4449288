import type {
  DescMethodBiDiStreaming,
  DescMethodServerStreaming,
  DescMethodUnary,
  DescService,
  MessageShape,
} from "@bufbuild/protobuf";
import type { CallContext } from "./call-context.ts";

/**
 * Response message that is already encoded: written to gRPC clients as it is,
 * decoded only for Connect clients. Lets one encoding serve every subscriber.
 */
export type EncodedMessage = Uint8Array;

/** Implementation of one unary method. */
export type UnaryImplementation<M extends DescMethodUnary> = (
  request: MessageShape<M["input"]>,
  context: CallContext,
) => Promise<MessageShape<M["output"]>>;

/** Implementation of one server-streaming method: yields encoded response messages. */
export type ServerStreamImplementation<M extends DescMethodServerStreaming> = (
  request: MessageShape<M["input"]>,
  context: CallContext,
) => AsyncIterable<EncodedMessage>;

/**
 * Implementation of one bidirectional method: reads the client's messages and
 * yields encoded response messages. The requests end when the client closes
 * its side, and fail with a ServiceError when one is not valid or the call
 * ends; they are read only as fast as they are asked for.
 */
export type BidiImplementation<M extends DescMethodBiDiStreaming> = (
  requests: AsyncIterable<MessageShape<M["input"]>>,
  context: CallContext,
) => AsyncIterable<EncodedMessage>;

/** Implementation of a whole service, one function a method. */
export type ServiceImplementation<S extends DescService> = {
  readonly [K in keyof S["method"]]: S["method"][K] extends DescMethodUnary
    ? UnaryImplementation<S["method"][K]>
    : S["method"][K] extends DescMethodServerStreaming
      ? ServerStreamImplementation<S["method"][K]>
      : S["method"][K] extends DescMethodBiDiStreaming
        ? BidiImplementation<S["method"][K]>
        : never;
};
