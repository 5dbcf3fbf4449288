import { hash, timingSafeEqual } from "node:crypto";

/**
 * Compares texts with a secret one in a time that tells nothing about it, nor
 * about its length: digests are compared, because a comparison in constant time
 * needs equal lengths.
 */
export class SecretDigest {
  readonly #digest: Uint8Array;

  constructor(secret: string | Uint8Array) {
    this.#digest = hash("sha256", secret, "buffer");
  }

  /** Whether the text is the secret. */
  matches(given: string | Uint8Array): boolean {
    return timingSafeEqual(hash("sha256", given, "buffer"), this.#digest);
  }
}
