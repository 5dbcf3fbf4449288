import type { DescMethodBiDiStreaming, DescMethodUnary, Message, MessageShape } from "@bufbuild/protobuf";
import type { CallContext } from "../rpc/call-context.ts";
import type { EncodedMessage } from "../rpc/service-implementation.ts";

/** A method that units have: they answer with one message or with a stream. */
export type UnitMethod = DescMethodUnary | DescMethodBiDiStreaming;

/**
 * A piece of work of the fleet that one process at a time does, such as one
 * subscription or the outbox. Calls that concern it run in that process,
 * whichever process they come to.
 */
export interface OpenUnit extends AsyncDisposable {
  /** Implementation of a method, by its local name, such as `pullEvents`. Takes decoded, valid requests. */
  unary(
    method: DescMethodUnary,
    request: Message,
    context: CallContext,
  ): Promise<MessageShape<DescMethodUnary["output"]>>;
  bidi(
    method: DescMethodBiDiStreaming,
    requests: AsyncIterable<Message>,
    context: CallContext,
  ): AsyncIterable<EncodedMessage>;
  /** Aborts when the unit can no longer work here: another process has taken it over, or it has failed. The fleet then disposes of it. */
  readonly lost: AbortSignal;
  /** Whether nothing is kept under the unit's name: the fleet gives it up as soon as no call runs in it. Not set: no. */
  readonly isEmpty?: boolean;
  /** Ends streams with a draining frame, and takes no new work; resolves when the unit may go to another process. */
  drain(): Promise<void>;
}

/** Opens units in this process. The caller has become the unit's owner before. */
export type OpenUnitHere = (unit: string) => Promise<OpenUnit>;

/** Kinds of units that this process may own, by the part of the unit's name before the first dot. */
export type UnitKinds = Readonly<Record<string, OpenUnitHere>>;
