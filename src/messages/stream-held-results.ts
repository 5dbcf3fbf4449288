import { lengthDelimitedTag, varintLength, writeVarint } from "../eventlog/protobuf-wire.ts";

/** Most bytes of results in one frame; a larger result comes alone. */
export const MAX_FRAME_BYTES = 256 * 1024;

// Field number of StreamMessagesResponse.results; test/stream-messages-encoding.test.ts decodes it.
const RESULTS_TAG = lengthDelimitedTag(2);

/** Results of one stream that wait to be sent, encoded as entries of StreamResults. */
export class HeldResults {
  #entries: Uint8Array[] = [];
  /** Place of the first one that waits. */
  #next = 0;
  #bytes = 0;

  /** Results that wait. */
  get count(): number {
    return this.#entries.length - this.#next;
  }

  /** Their bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  add(entry: Uint8Array): void {
    this.#entries.push(entry);
    this.#bytes += entry.length;
  }

  /** The next `results` frame, encoded, with as many as fit; undefined when none waits. */
  takeFrame(): Uint8Array | undefined {
    const first = this.#next;
    let length = 0;
    let end = first;
    for (; end < this.#entries.length; end++) {
      const next = this.#entries[end]?.length ?? 0;
      if (end > first && length + next > MAX_FRAME_BYTES) break;
      length += next;
    }
    if (end === first) return undefined;
    const frame = this.#frame(end, length);
    this.#bytes -= length;
    this.#next = end;
    if (end === this.#entries.length) {
      this.#entries = [];
      this.#next = 0;
    }
    return frame;
  }

  #frame(end: number, length: number): Uint8Array {
    const bytes = Buffer.allocUnsafe(1 + varintLength(length) + length);
    bytes[0] = RESULTS_TAG;
    let at = writeVarint(bytes, 1, length);
    for (let index = this.#next; index < end; index++) {
      const entry = this.#entries[index] ?? new Uint8Array(0);
      bytes.set(entry, at);
      at += entry.length;
    }
    return bytes;
  }
}
