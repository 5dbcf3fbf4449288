const POLYNOMIAL = 0x1021;

const TABLE = Uint16Array.from({ length: 256 }, (_, byte) => {
  let value = byte << 8;
  for (let bit = 0; bit < 8; bit++)
    value = ((value & 0x8000) === 0 ? value << 1 : (value << 1) ^ POLYNOMIAL) & 0xffff;
  return value;
});

/** CRC-16/CCITT-FALSE of the first `length` bytes: finds every change within 16 neighbouring bits. */
export function crc16(bytes: Uint8Array, length: number): number {
  let crc = 0xffff;
  for (let i = 0; i < length; i++) {
    crc = ((crc << 8) & 0xffff) ^ (TABLE[((crc >>> 8) ^ (bytes[i] ?? 0)) & 0xff] ?? 0);
  }
  return crc;
}
