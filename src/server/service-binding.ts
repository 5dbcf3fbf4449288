import type { DescService, Message } from "@bufbuild/protobuf";
import type { CallContext } from "../rpc/call-context.ts";
import type { EncodedMessage, ServiceImplementation } from "../rpc/service-implementation.ts";
import type { AccessControl } from "./guards.ts";

/**
 * A method of any service: takes one message, or those of a bidirectional stream; unary methods answer with a
 * promise, streams with encoded messages. Written as a method, so that one which takes only messages is assignable.
 */
export type AnyMethod = {
  call(
    request: Message | AsyncIterable<Message>,
    context: CallContext,
  ): Promise<Message> | AsyncIterable<EncodedMessage>;
}["call"];

/** A service and the functions behind it, without its type: what a listener takes. */
export interface ServiceBinding {
  readonly service: DescService;
  /** By the local name of the method, such as `sendMessages`. */
  readonly implementation: Readonly<Record<string, AnyMethod>>;
  /** Who may call; for listeners that can turn callers away before they read. The implementation decides by itself. */
  readonly access?: AccessControl;
}

/** Pairs a service with its implementation for the listeners. */
export function bindService<S extends DescService>(
  service: S,
  implementation: ServiceImplementation<S>,
): ServiceBinding {
  // Every ServiceImplementation is such a record; its parameter types are narrower than AnyMethod's, and the
  // listeners only ever pass messages that they decoded with the schema of the very method.
  return { service, implementation: implementation as unknown as Readonly<Record<string, AnyMethod>> };
}
