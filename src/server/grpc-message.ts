import type { UniversalServerResponse } from "@connectrpc/connect/protocol";

const MESSAGE = "grpc-message";

/**
 * Percent-encodes a status message as gRPC's HTTP/2 mapping says: printable
 * ASCII but `%` stays as it is. What is encoded beyond that, as
 * encodeURIComponent does, some clients show undecoded.
 */
export function encodeStatusMessage(text: string): string {
  return text.replaceAll(/[^\x20-\x24\x26-\x7e]+/g, (run) => encodeURIComponent(run.toWellFormed()));
}

/** Respells the status message in the trailers of an answer, once they are there. */
export function spellStatusMessage(answer: UniversalServerResponse): void {
  const { body, trailer } = answer;
  if (trailer === undefined || !(Symbol.asyncIterator in Object(body))) return;
  const bytes = body as AsyncIterable<Uint8Array>;
  Object.assign(answer, {
    body: (async function* () {
      yield* bytes;
      const message = trailer.get(MESSAGE);
      if (message !== null) trailer.set(MESSAGE, encodeStatusMessage(decodeURIComponent(message)));
    })(),
  });
}
