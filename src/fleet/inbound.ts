import type { ServiceError } from "../errors.ts";
import type { ByteBudget } from "./byte-budget.ts";
import { fleetOverloaded, messageTooLarge } from "./fleet-errors.ts";
import type { FleetLimits } from "./fleet-options.ts";

/** Bytes that a part counts for beside its own, so that empty ones are bounded too. */
export const PART_OVERHEAD_BYTES = 64;

/** A window may grow after so many times its bytes. */
const GROWTH_AFTER_WINDOWS = 4;

/** What the receiving side of a call works with. */
export interface InboundOptions {
  readonly limits: FleetLimits;
  /** Shared by all calls. */
  readonly budget: ByteBudget;
  /** Lets the sender send so many further bytes. */
  readonly grant: (bytes: number) => void;
}

/**
 * Receives the messages of one direction of a call. The sender may have as
 * many bytes under way as it was granted; reading grants more. A reader that
 * keeps up gets a larger window, as far as the budget of all calls allows.
 */
export class Inbound {
  readonly #options: InboundOptions;
  readonly #messages: Uint8Array[] = [];
  readonly #costs: number[] = [];
  #parts: Uint8Array[] = [];
  #partBytes = 0;
  #window: number;
  #taken: number;
  /** Read, and not yet granted again. */
  #read = 0;
  /** Read since the window was last made larger. */
  #sinceGrowth = 0;
  #isOver = false;
  #error: ServiceError | undefined;
  #waiting: PromiseWithResolvers<Uint8Array | undefined> | undefined;

  /** The caller has taken minWindowBytes from the budget for it, and granted them. */
  constructor(options: InboundOptions) {
    this.#options = options;
    this.#window = options.limits.minWindowBytes;
    this.#taken = this.#window;
  }

  /** Takes a part as it comes. Returns why it cannot be taken: the call must end then. */
  add(part: Uint8Array, isLast: boolean): ServiceError | undefined {
    if (this.#isOver) return undefined;
    const { limits, budget } = this.#options;
    const cost = part.length + PART_OVERHEAD_BYTES;
    if (isLast && this.#parts.length === 0) {
      this.#deliver(part, cost);
      return undefined;
    }
    // A message in parts waits for its last one, so its bytes are granted again at once.
    if (this.#partBytes + part.length > limits.maxMessageBytes)
      return messageTooLarge(limits.maxMessageBytes);
    if (!budget.take(cost)) return fleetOverloaded("calls between instances wait with too many bytes");
    this.#taken += cost;
    this.#partBytes += part.length;
    this.#parts.push(part);
    this.#grantAgain(cost);
    if (!isLast) return undefined;
    const whole = Buffer.concat(this.#parts, this.#partBytes);
    this.#taken -= this.#partBytes + this.#parts.length * PART_OVERHEAD_BYTES;
    budget.give(this.#partBytes + this.#parts.length * PART_OVERHEAD_BYTES);
    this.#parts = [];
    this.#partBytes = 0;
    this.#deliver(whole, 0);
    return undefined;
  }

  /** The next message; undefined once there is none any more. Rejects with the error that ended it. One at a time. */
  next(): Promise<Uint8Array | undefined> {
    const message = this.#messages.shift();
    if (message !== undefined) {
      this.#grantAgain(this.#costs.shift() ?? 0);
      return Promise.resolve(message);
    }
    if (this.#error !== undefined) return Promise.reject(this.#error);
    if (this.#isOver) return Promise.resolve(undefined);
    this.#waiting = Promise.withResolvers();
    return this.#waiting.promise;
  }

  /** No more comes. What has come is still read, unless it ends with an error and `dropRest`. */
  end(error?: ServiceError, dropRest = false): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#error = error;
    if (dropRest) this.#messages.length = 0;
    this.#parts = [];
    this.#options.budget.give(this.#taken);
    this.#taken = 0;
    if (error === undefined) this.#waiting?.resolve(undefined);
    else this.#waiting?.reject(error);
    this.#waiting = undefined;
  }

  #deliver(message: Uint8Array, cost: number): void {
    if (this.#waiting === undefined) {
      this.#messages.push(message);
      this.#costs.push(cost);
      return;
    }
    this.#waiting.resolve(message);
    this.#waiting = undefined;
    this.#grow();
    this.#grantAgain(cost);
  }

  /** The reader was waiting: once much has come, the window may be what holds the sender back. */
  #grow(): void {
    const { limits, budget } = this.#options;
    if (this.#sinceGrowth < this.#window * GROWTH_AFTER_WINDOWS) return;
    if (this.#window * 2 > limits.maxWindowBytes || !budget.take(this.#window)) return;
    this.#sinceGrowth = 0;
    this.#taken += this.#window;
    this.#read += this.#window;
    this.#window *= 2;
  }

  #grantAgain(cost: number): void {
    this.#read += cost;
    this.#sinceGrowth += cost;
    if (this.#isOver || this.#read * 2 < this.#window) return;
    const { grant } = this.#options;
    const bytes = this.#read;
    this.#read = 0;
    grant(bytes);
  }
}
