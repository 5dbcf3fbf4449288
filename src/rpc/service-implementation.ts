import type {
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

/** Implementation of a whole service, one function a method. */
export type ServiceImplementation<S extends DescService> = {
  readonly [K in keyof S["method"]]: S["method"][K] extends DescMethodUnary
    ? UnaryImplementation<S["method"][K]>
    : S["method"][K] extends DescMethodServerStreaming
      ? ServerStreamImplementation<S["method"][K]>
      : never;
};
