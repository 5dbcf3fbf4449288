import type { ServerWritableStream } from "@grpc/grpc-js";
import { SignalRace } from "./signal-race.ts";

/** Bytes of one stream that may wait in this process for a slow client; one message may go over. */
const MAX_BUFFERED_BYTES = 256 * 1024;

/** The part of a grpc-js call that takes responses. */
export type WritableCall = Pick<ServerWritableStream<Uint8Array, Uint8Array>, "write">;

/** Writes encoded messages to a server stream and waits when the client reads too slowly. */
export class GrpcStreamWriter implements Disposable {
  readonly #call: WritableCall;
  readonly #race: SignalRace;
  #buffered = 0;
  #drained: (() => void) | undefined;

  constructor(call: WritableCall, signal: AbortSignal) {
    this.#call = call;
    this.#race = new SignalRace(signal);
  }

  /** Writes one message. Resolves when the next may be written; rejects with the signal's reason. */
  async write(message: Uint8Array): Promise<void> {
    this.#buffered += message.byteLength;
    this.#call.write(message, () => this.#onWritten(message.byteLength));
    if (this.#buffered < MAX_BUFFERED_BYTES) return;
    await this.#race.race(
      new Promise<void>((resolve) => {
        this.#drained = resolve;
      }),
    );
  }

  // grpc-js calls back when HTTP/2 flow control has taken the frame, not when it was put in a queue.
  #onWritten(bytes: number): void {
    this.#buffered -= bytes;
    if (this.#buffered < MAX_BUFFERED_BYTES) this.#drained?.();
  }

  [Symbol.dispose](): void {
    this.#race[Symbol.dispose]();
  }
}
