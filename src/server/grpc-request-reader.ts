import { type DescMethod, fromBinary, type Message } from "@bufbuild/protobuf";
import type { ServerDuplexStream } from "@grpc/grpc-js";
import { halfClosed } from "./half-close.ts";
import { protocolError, requestInvalid } from "./refusal.ts";
import { untilAborted } from "./signal-race.ts";

/**
 * Messages of one stream that wait decompressed beside those that came in the
 * same HTTP/2 frame. Until they are taken nothing more is read off the
 * connection, and flow control holds the client back.
 */
const MAX_READ_AHEAD = 1;

/** A grpc-js call with a stream of messages both ways, which are still bytes. */
export type BidiCall = ServerDuplexStream<Uint8Array, Uint8Array>;

/**
 * Decodes a request message. Throws REQUEST_INVALID for bytes that are none;
 * the decoder's own text may quote the request, so it is not passed on.
 */
export function decodeRequest(method: DescMethod, bytes: Uint8Array): Message {
  try {
    return fromBinary(method.input, bytes);
  } catch {
    throw requestInvalid(`the request is no valid ${method.input.typeName} in the binary format`);
  }
}

/**
 * The client's messages, as fast as they are asked for. Ends when the client
 * closes its side; throws the reason of the call's signal when it aborts.
 */
export async function* readRequests(
  method: DescMethod,
  call: BidiCall,
  signal: AbortSignal,
): AsyncGenerator<Message> {
  boundReadAhead(call);
  // The stream is grpc-js's to close, so leaving the loop must not destroy it.
  const messages = call.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>;
  for await (const bytes of untilAborted(messages, signal)) yield decodeRequest(method, bytes);
  await halfClosed(signal);
  if (endsInsideMessage(call)) throw protocolError("the client closed its side within a message");
}

/** grpc-js makes the stream with room for 16 messages and takes no option for it. */
function boundReadAhead(call: BidiCall): void {
  const state: unknown = Reflect.get(call, "_readableState");
  if (state instanceof Object) Reflect.set(state, "highWaterMark", MAX_READ_AHEAD);
}

/** grpc-js drops the beginning of a message without a word when nothing follows it. */
function endsInsideMessage(call: BidiCall): boolean {
  const decoder: unknown = Reflect.get(Object(Reflect.get(call, "call")), "decoder");
  const state: unknown = Reflect.get(Object(decoder), "readState");
  return typeof state === "number" && state !== 0;
}
