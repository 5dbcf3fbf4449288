const FIRST_CAPACITY = 64 * 1024;
/** Longest text whose characters are copied one by one; above it the call into the engine costs less. */
const SHORT_TEXT = 10;
/** UTF-16 units become at most three bytes of UTF-8 each. */
const MAX_BYTES_PER_UNIT = 3;
/** Bytes that any fixed part of a field takes at most: its tag and a 64-bit varint. */
const FIELD_ROOM = 16;
const LARGEST_UINT32 = 0xffff_ffff;

/**
 * Writes binary protobuf into one buffer that grows and is used again: it holds
 * what was written since {@link TranscodeWriter.reset}. Nothing is checked
 * against a schema. Tags are numbers: field number * 8 + wire type.
 */
export class TranscodeWriter {
  #bytes = Buffer.allocUnsafeSlow(FIRST_CAPACITY);
  #end = 0;

  /** Bytes written so far; where the next one goes. */
  get position(): number {
    return this.#end;
  }

  /** Forgets everything. A buffer above `keepBytes` is given back. */
  reset(keepBytes: number): void {
    this.#end = 0;
    if (this.#bytes.length > keepBytes) this.#bytes = Buffer.allocUnsafeSlow(FIRST_CAPACITY);
  }

  /** Takes back what was written from a position on. */
  truncate(position: number): void {
    this.#end = position;
  }

  /** A copy of all that was written, which stays as it is. */
  copy(): Uint8Array {
    return new Uint8Array(this.#bytes.subarray(0, this.#end));
  }

  /** Writes a field of type string. False for text with half surrogates, which protobuf has no form for: then nothing can be said of what was written. */
  string(tag: number, text: string): boolean {
    this.#reserve(FIELD_ROOM + text.length * MAX_BYTES_PER_UNIT);
    this.#varint(tag);
    const length = text.length;
    if (length <= SHORT_TEXT && this.#shortAscii(text)) return true;
    const lengthAt = this.#end;
    const guess = varintBytes(length);
    const written = this.#bytes.write(text, lengthAt + guess);
    this.#putLength(lengthAt, guess, written);
    // Only ASCII has as many bytes as units.
    return written === length || text.isWellFormed();
  }

  /** Writes a field of type int32 or enum. */
  int32(tag: number, value: number): void {
    this.#reserve(FIELD_ROOM);
    this.#varint(tag);
    if (value >= 0) {
      this.#varint(value);
      return;
    }
    // Negative numbers are sign-extended to 64 bits: ten bytes.
    const bytes = this.#bytes;
    let at = this.#end;
    let rest = value;
    for (let index = 0; index < 9; index++) {
      bytes[at++] = (rest & 0x7f) | 0x80;
      rest >>= 7;
    }
    bytes[at++] = 1;
    this.#end = at;
  }

  /** Writes a field of type int64 that is not negative and a safe integer. */
  int64(tag: number, value: number): void {
    this.#reserve(FIELD_ROOM);
    this.#varint(tag);
    let rest = value;
    // Above 32 bits the bit operators would cut the value, so it is divided.
    while (rest > LARGEST_UINT32) {
      this.#bytes[this.#end++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.#varint(rest);
  }

  /** Writes a field of type bool. */
  bool(tag: number, value: boolean): void {
    this.#reserve(FIELD_ROOM);
    this.#varint(tag);
    this.#bytes[this.#end++] = value ? 1 : 0;
  }

  /**
   * Begins a field that is a message and returns what
   * {@link TranscodeWriter.close} needs. `lengthBytes`, 1 to 5, is a guess of
   * what its length takes; a wrong one costs a move of the content.
   */
  open(tag: number, lengthBytes: number): number {
    this.#reserve(FIELD_ROOM);
    this.#varint(tag);
    this.#end += lengthBytes;
    return this.#end;
  }

  /** Ends what {@link TranscodeWriter.open} began, of which `start` is the answer, with the same guess. */
  close(start: number, lengthBytes: number): void {
    this.#reserve(FIELD_ROOM);
    this.#putLength(start - lengthBytes, lengthBytes, this.#end - start);
  }

  /** Text of at most {@link SHORT_TEXT} units with its length; false, and nothing is written, when it is not all ASCII. */
  #shortAscii(text: string): boolean {
    const bytes = this.#bytes;
    const length = text.length;
    const start = this.#end + 1;
    let seen = 0;
    for (let index = 0; index < length; index++) {
      const unit = text.charCodeAt(index);
      seen |= unit;
      bytes[start + index] = unit;
    }
    if (seen > 0x7f) return false;
    bytes[start - 1] = length;
    this.#end = start + length;
    return true;
  }

  /** Puts a length before content that stands `guess` bytes after `at`, and ends after the content. */
  #putLength(at: number, guess: number, length: number): void {
    const needed = varintBytes(length);
    if (needed !== guess) this.#bytes.copyWithin(at + needed, at + guess, at + guess + length);
    this.#end = at;
    this.#varint(length);
    this.#end += length;
  }

  /** An unsigned number of 32 bits, for which there must be room. */
  #varint(value: number): void {
    const bytes = this.#bytes;
    let at = this.#end;
    let rest = value;
    while (rest >= 0x80) {
      bytes[at++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    bytes[at++] = rest;
    this.#end = at;
  }

  #reserve(bytes: number): void {
    const needed = this.#end + bytes;
    if (needed <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, 2 * this.#bytes.length));
    this.#bytes.copy(larger, 0, 0, this.#end);
    this.#bytes = larger;
  }
}

function varintBytes(value: number): number {
  if (value < 0x80) return 1;
  if (value < 0x4000) return 2;
  if (value < 0x20_0000) return 3;
  return value < 0x1000_0000 ? 4 : 5;
}
