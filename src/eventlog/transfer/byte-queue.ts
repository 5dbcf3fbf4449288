/** Takes bytes from a stream in the lengths that are asked for. */
export class ByteQueue {
  readonly #source: AsyncIterator<Uint8Array>;
  #chunks: Buffer[] = [];
  #length = 0;
  #taken = 0;

  constructor(source: AsyncIterator<Uint8Array>) {
    this.#source = source;
  }

  /** Bytes taken so far. */
  get taken(): number {
    return this.#taken;
  }

  /** Bytes that were read from the stream so far. */
  get received(): number {
    return this.#taken + this.#length;
  }

  /** The next bytes, or undefined when the stream ends before. Rejects as the stream does. */
  async take(count: number): Promise<Buffer | undefined> {
    while (this.#length < count) {
      const { done, value } = await this.#source.next();
      if (done === true) return undefined;
      if (value.length > 0) this.#chunks.push(Buffer.from(value.buffer, value.byteOffset, value.length));
      this.#length += value.length;
    }
    this.#length -= count;
    this.#taken += count;
    return this.#shift(count);
  }

  /** Whether nothing follows. Rejects as the stream does. */
  async isAtEnd(): Promise<boolean> {
    while (this.#length === 0) {
      const { done, value } = await this.#source.next();
      if (done === true) return true;
      if (value.length > 0) this.#chunks.push(Buffer.from(value.buffer, value.byteOffset, value.length));
      this.#length += value.length;
    }
    return false;
  }

  #shift(count: number): Buffer {
    const [first = Buffer.alloc(0)] = this.#chunks;
    if (first.length > count) {
      this.#chunks[0] = first.subarray(count);
      return first.subarray(0, count);
    }
    const all = this.#chunks.length === 1 ? first : Buffer.concat(this.#chunks);
    this.#chunks = all.length > count ? [all.subarray(count)] : [];
    return all.subarray(0, count);
  }
}
