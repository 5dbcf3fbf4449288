const FIRST_CAPACITY = 64 * 1024;
const NUMBER_BYTES = 8;
const LENGTH_BYTES = 4;

/** Writes the fields of items one after the other, without names, and grows as it does. Little-endian. */
export class FrameFieldWriter {
  #bytes = Buffer.alloc(FIRST_CAPACITY);
  #length = 0;

  /** Bytes written since the last {@link take}. */
  get length(): number {
    return this.#length;
  }

  number(value: number): void {
    this.#reserve(NUMBER_BYTES);
    this.#length = this.#bytes.writeDoubleLE(value, this.#length);
  }

  text(text: string): void {
    // A UTF-16 unit becomes at most three bytes of UTF-8.
    this.#reserve(LENGTH_BYTES + text.length * 3);
    const written = this.#bytes.write(text, this.#length + LENGTH_BYTES);
    this.#length = this.#bytes.writeUInt32LE(written, this.#length) + written;
  }

  bytes(bytes: Uint8Array): void {
    this.#reserve(LENGTH_BYTES + bytes.length);
    const at = this.#bytes.writeUInt32LE(bytes.length, this.#length);
    this.#bytes.set(bytes, at);
    this.#length = at + bytes.length;
  }

  /** What was written, good until the next field; begins anew. */
  take(): Buffer {
    const taken = this.#bytes.subarray(0, this.#length);
    this.#length = 0;
    return taken;
  }

  #reserve(count: number): void {
    const needed = this.#length + count;
    if (needed <= this.#bytes.length) return;
    const larger = Buffer.alloc(Math.max(needed, this.#bytes.length * 2));
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
  }
}

/** Reads what {@link FrameFieldWriter} wrote. Methods throw RangeError when the bytes end too early. */
export class FrameFieldReader {
  readonly #source: Buffer;
  #at = 0;

  constructor(source: Buffer) {
    this.#source = source;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#source.length;
  }

  number(): number {
    const value = this.#source.readDoubleLE(this.#at);
    this.#at += NUMBER_BYTES;
    return value;
  }

  /** A number that is whole and not negative. */
  count(): number {
    const value = this.number();
    if (!Number.isSafeInteger(value) || value < 0) throw new RangeError("a number is out of range");
    return value;
  }

  text(): string {
    const { start, end } = this.#field();
    return this.#source.toString("utf8", start, end);
  }

  /** A view into the source. */
  bytes(): Buffer {
    const { start, end } = this.#field();
    return this.#source.subarray(start, end);
  }

  /** Moves past a field with a length in front. */
  #field(): { start: number; end: number } {
    const start = this.#at + LENGTH_BYTES;
    const end = start + this.#source.readUInt32LE(this.#at);
    if (end > this.#source.length) throw new RangeError("a field ends past its frame");
    this.#at = end;
    return { start, end };
  }
}
