/*
 * What crosses to the writer thread as one transferable buffer: fields one
 * after the other, without names; both sides know their order. Little-endian.
 * Cloning row objects costs more than storing them does.
 */

/** Bytes of a packed number. */
export const NUMBER_BYTES = 8;
const LENGTH_BYTES = 4;

/** Bytes that a packed text takes at most: a UTF-16 unit becomes at most three bytes of UTF-8. */
export function packedTextLength(text: string): number {
  return LENGTH_BYTES + text.length * 3;
}

/** Bytes that packed bytes take. */
export function packedBytesLength(bytes: Uint8Array): number {
  return LENGTH_BYTES + bytes.length;
}

/** Writes fields into a buffer of its own. */
export class FieldPacker {
  readonly #target: Buffer<ArrayBuffer>;
  readonly #view: DataView;
  #at = 0;

  /** `length` is the most that all fields take together. */
  constructor(length: number) {
    // Not filled with zeros: what is not written is not read.
    this.#target = Buffer.allocUnsafeSlow(length);
    this.#view = new DataView(this.#target.buffer);
  }

  /** The buffer; to be transferred. */
  get buffer(): ArrayBuffer {
    return this.#target.buffer;
  }

  /** What was written so far: a view into the buffer. */
  get written(): Uint8Array {
    return this.#target.subarray(0, this.#at);
  }

  number(value: number): void {
    this.#view.setFloat64(this.#at, value, true);
    this.#at += NUMBER_BYTES;
  }

  text(text: string): void {
    const written = this.#target.write(text, this.#at + LENGTH_BYTES);
    this.#view.setUint32(this.#at, written, true);
    this.#at += LENGTH_BYTES + written;
  }

  bytes(bytes: Uint8Array): void {
    this.#view.setUint32(this.#at, bytes.length, true);
    this.#target.set(bytes, this.#at + LENGTH_BYTES);
    this.#at += LENGTH_BYTES + bytes.length;
  }
}

/** Reads fields in the order in which they were written. */
export class FieldReader {
  readonly #source: Buffer;
  readonly #view: DataView;
  #at = 0;

  constructor(buffer: ArrayBuffer | Uint8Array) {
    this.#source =
      buffer instanceof ArrayBuffer
        ? Buffer.from(buffer)
        : Buffer.from(buffer.buffer, buffer.byteOffset, buffer.byteLength);
    this.#view = new DataView(this.#source.buffer, this.#source.byteOffset, this.#source.byteLength);
  }

  number(): number {
    const value = this.#view.getFloat64(this.#at, true);
    this.#at += NUMBER_BYTES;
    return value;
  }

  text(): string {
    const end = this.#endOfField();
    const text = this.#source.toString("utf8", this.#at, end);
    this.#at = end;
    return text;
  }

  /** A view into the buffer. */
  bytes(): Uint8Array {
    const end = this.#endOfField();
    const bytes = this.#source.subarray(this.#at, end);
    this.#at = end;
    return bytes;
  }

  /** Moves past the length of a field to its contents, and tells where those end. */
  #endOfField(): number {
    const length = this.#view.getUint32(this.#at, true);
    this.#at += LENGTH_BYTES;
    const end = this.#at + length;
    if (end > this.#source.length) throw new RangeError("a packed field goes past the end of its buffer");
    return end;
  }
}
