import { createHmac, createSecretKey, type KeyObject } from "node:crypto";

/** Hex digits of the hash that are written. */
const HASH_DIGITS = 10;
/** Most addresses whose names are kept: reports mostly follow soon after their send. */
const MAX_KEPT = 4096;

/**
 * Names for addresses of people in the log: `#` and ten hex digits of
 * HMAC-SHA-256 under the key, `…`, and the last two digits where the address
 * ends in digits. Equal addresses have equal names, with or without `+`; without
 * the key nobody can try numbers out.
 */
export class DestinationNames {
  readonly #key: KeyObject;
  readonly #kept = new Map<string, string>();

  constructor(key: string | Uint8Array) {
    this.#key = createSecretKey(Buffer.from(key));
  }

  /** Undefined for an empty address. */
  of(address: string | undefined): string | undefined {
    if (address === undefined || address === "") return undefined;
    const known = this.#kept.get(address);
    if (known !== undefined) return known;
    const name = this.#nameOf(address.startsWith("+") ? address.slice(1) : address);
    if (this.#kept.size >= MAX_KEPT) this.#kept.clear();
    this.#kept.set(address, name);
    return name;
  }

  #nameOf(address: string): string {
    const hash = createHmac("sha256", this.#key).update(address).digest("hex").slice(0, HASH_DIGITS);
    const end = /^\d{5,}$/.test(address) ? address.slice(-2) : "";
    return `#${hash}…${end}`;
  }
}
