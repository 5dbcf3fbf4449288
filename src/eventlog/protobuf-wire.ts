/** Tag byte of a length-delimited protobuf field with a number below 16. */
export function lengthDelimitedTag(fieldNumber: number): number {
  return (fieldNumber << 3) | 2;
}

/** Bytes that a varint takes; `value` is a safe integer, not negative. */
export function varintLength(value: number): number {
  let length = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) length++;
  return length;
}

/** Writes a varint and returns the offset after it; `value` is a safe integer, not negative. */
export function writeVarint(target: Uint8Array, offset: number, value: number): number {
  let at = offset;
  let rest = value;
  // Above 31 bits the bit operators would cut the value, so it is divided.
  while (rest > 0x7fffffff) {
    target[at++] = (rest % 0x80) | 0x80;
    rest = Math.floor(rest / 0x80);
  }
  while (rest >= 0x80) {
    target[at++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  target[at++] = rest;
  return at;
}
