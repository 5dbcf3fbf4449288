import type { BodyLease } from "./body-budget.ts";
import { bodyTooLarge, tryLater } from "./webhook-answer.ts";

const FIRST_CAPACITY = 16 * 1024;

/**
 * Puts a body together in one buffer, so that a body that comes in a million
 * tiny pieces costs no more than its bytes.
 */
export class BodyCollector {
  readonly #limitBytes: number;
  readonly #lease: BodyLease;
  /** Held by earlier buffers of the same body. */
  readonly #baseBytes: number;
  #buffer: Buffer = Buffer.alloc(0);
  #length = 0;

  /** `baseBytes` is what the lease already holds for other buffers of the same body. */
  constructor(limitBytes: number, lease: BodyLease, baseBytes = 0) {
    this.#limitBytes = limitBytes;
    this.#lease = lease;
    this.#baseBytes = baseBytes;
  }

  /** Makes room. Throws a WebhookRefusal: 413 over the limit, 503 over the budget. */
  reserve(bytes: number): void {
    if (bytes > this.#limitBytes) throw bodyTooLarge(this.#limitBytes);
    if (bytes <= this.#buffer.length) return;
    if (!this.#lease.tryGrowTo(this.#baseBytes + bytes)) {
      throw tryLater("BUSY", "too many webhooks at one time; send it again");
    }
    const larger = Buffer.allocUnsafeSlow(bytes);
    this.#buffer.copy(larger, 0, 0, this.#length);
    this.#buffer = larger;
  }

  /** Adds a piece. Throws as reserve does. */
  add(piece: Uint8Array): void {
    const needed = this.#length + piece.length;
    if (needed > this.#buffer.length) {
      const doubled = Math.max(needed, 2 * this.#buffer.length, FIRST_CAPACITY);
      this.reserve(needed > this.#limitBytes ? needed : Math.min(doubled, this.#limitBytes));
    }
    this.#buffer.set(piece, this.#length);
    this.#length = needed;
  }

  /** The body so far. */
  get bytes(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }
}
