import type { ServiceError } from "../errors.ts";
import { fleetUnreachable } from "./fleet-errors.ts";
import { PART_OVERHEAD_BYTES } from "./inbound.ts";

/** Sends a part of a message; false when there is no connection. */
export type SendPart = (part: Uint8Array, isLast: boolean) => boolean;

/**
 * Sends the messages of one direction of a call, in parts, and only as many
 * bytes as the receiver has granted: one part at most goes over.
 */
export class Outbound {
  readonly #maxPartBytes: number;
  readonly #sendPart: SendPart;
  #credit: number;
  #error: ServiceError | undefined;
  #waiting: PromiseWithResolvers<void> | undefined;

  constructor(credit: number, maxPartBytes: number, sendPart: SendPart) {
    this.#credit = credit;
    this.#maxPartBytes = maxPartBytes;
    this.#sendPart = sendPart;
  }

  /** Resolves once the message has left. Rejects with the error that it was stopped with. One at a time. */
  async send(message: Uint8Array, from = 0): Promise<void> {
    let at = from;
    for (;;) {
      if (this.#error !== undefined) throw this.#error;
      if (this.#credit > 0) {
        const end = Math.min(message.length, at + this.#maxPartBytes);
        this.#sendNow(message, at, end);
        if (end === message.length) return;
        at = end;
      } else {
        this.#waiting = Promise.withResolvers();
        await this.#waiting.promise;
      }
    }
  }

  /** The receiver takes so many further bytes. */
  grant(bytes: number): void {
    this.#credit += bytes;
    if (this.#credit <= 0) return;
    this.#waiting?.resolve();
    this.#waiting = undefined;
  }

  #sendNow(message: Uint8Array, start: number, end: number): void {
    this.#credit -= end - start + PART_OVERHEAD_BYTES;
    const isLast = end === message.length;
    const part = start === 0 && isLast ? message : message.subarray(start, end);
    if (!this.#sendPart(part, isLast)) throw fleetUnreachable();
  }

  /** Nothing more leaves. */
  stop(error: ServiceError): void {
    this.#error ??= error;
    this.#waiting?.reject(error);
    this.#waiting = undefined;
  }
}
