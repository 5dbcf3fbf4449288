import { varintLength, writeVarint } from "../eventlog/protobuf-wire.ts";

/** Room at the start, in bytes. */
const MIN_BYTES = 16 * 1024;
/** More room than this is given back after use, in bytes. */
const MAX_KEPT_BYTES = 1024 * 1024;

/**
 * Writes protobuf messages from their end to their beginning, so that a nested
 * message is written before its length and nothing is measured beforehand.
 * Fields are written last to first. Used for one message after the other.
 */
export class ProtobufWriter {
  #buffer = Buffer.allocUnsafeSlow(MIN_BYTES);
  #at = MIN_BYTES;

  /** Bytes written so far: the mark that {@link nested} takes. */
  get length(): number {
    return this.#buffer.length - this.#at;
  }

  /** A string field with a number below 16. */
  string(field: number, value: string): void {
    const length = Buffer.byteLength(value);
    this.#reserve(length);
    this.#buffer.write(value, this.#at, length);
    this.#prefix(field, length);
  }

  /** A field with a number below 16 that holds an encoded message. */
  message(field: number, encoded: Uint8Array): void {
    this.#reserve(encoded.length);
    this.#buffer.set(encoded, this.#at);
    this.#prefix(field, encoded.length);
  }

  /** An integer field with a number below 16; `value` is a safe integer, not negative. */
  integer(field: number, value: number): void {
    this.#varint(value);
    this.#varint(field << 3);
  }

  /** Makes what was written since the mark a message in a field with a number below 16. */
  nested(field: number, mark: number): void {
    this.#prefix(field, this.length - mark);
  }

  /** A copy of all that was written; the writer is empty then. */
  take(): Uint8Array {
    const bytes = Buffer.from(this.#buffer.subarray(this.#at));
    this.clear();
    return bytes;
  }

  /** Drops what was written. */
  clear(): void {
    if (this.#buffer.length > MAX_KEPT_BYTES) this.#buffer = Buffer.allocUnsafeSlow(MIN_BYTES);
    this.#at = this.#buffer.length;
  }

  #prefix(field: number, length: number): void {
    this.#varint(length);
    this.#varint((field << 3) | 2);
  }

  #varint(value: number): void {
    this.#reserve(varintLength(value));
    writeVarint(this.#buffer, this.#at, value);
  }

  /** Moves the beginning so many bytes forward. */
  #reserve(bytes: number): void {
    if (bytes > this.#at) this.#grow(bytes);
    this.#at -= bytes;
  }

  #grow(bytes: number): void {
    const { length } = this;
    const grown = Buffer.allocUnsafeSlow(2 * (length + bytes));
    this.#buffer.copy(grown, grown.length - length, this.#at);
    this.#buffer = grown;
    this.#at = grown.length - length;
  }
}
