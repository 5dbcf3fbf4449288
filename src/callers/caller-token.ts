import { hash, timingSafeEqual } from "node:crypto";

/** Begins every token that this service makes, so that scanners for leaked secrets can tell one. */
export const TOKEN_PREFIX = "irpc_";
/** Random bytes of a token: 256 bits. */
export const TOKEN_BYTES = 32;
/** Longest token that is looked at, in characters. */
export const MAX_TOKEN_LENGTH = 512;

/** Makes a token of {@link TOKEN_BYTES} random bytes. */
export function tokenOf(random: Uint8Array): string {
  return TOKEN_PREFIX + Buffer.from(random).toString("base64url");
}

/** What the callers file holds of a token: its SHA-256, 64 lower-case hexadecimal digits. */
export function tokenHash(token: string): string {
  return hash("sha256", token);
}

/** Whether two hashes of tokens are equal, in a time that does not tell where they differ. */
export function isSameHash(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}
