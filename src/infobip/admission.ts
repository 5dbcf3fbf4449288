import { Code } from "@connectrpc/connect";
import { ServiceError } from "../errors.ts";
import type { CallBounds } from "./call-bounds.ts";
import { CallFailure } from "./call-failure.ts";

type Grant = () => void;

/**
 * Bounds the calls of one client: `connections` slots, and at most `maxQueued`
 * calls beyond them. The HTTP library's own queue has no bound and keeps
 * requests whose caller has gone, so nothing enters it without a slot.
 */
export class Admission {
  readonly #limit: number;
  /** Insertion order is the order of arrival. */
  readonly #waiting = new Set<Grant>();
  #free: number;
  #entered = 0;

  constructor(connections: number, maxQueued: number) {
    this.#free = connections;
    this.#limit = connections + maxQueued;
  }

  /** Counts a call in, until {@link leave}. Throws OVERLOADED at the bound. */
  enter(): void {
    if (this.#entered >= this.#limit) {
      throw new ServiceError(
        Code.ResourceExhausted,
        "OVERLOADED",
        `${this.#limit} calls to Infobip are under way, which is the limit; send less at a time, or raise upstream.connections or upstream.max_queued`,
        { metadata: { outcome: "NOT_SENT" } },
      );
    }
    this.#entered++;
  }

  /** Ends what {@link enter} began. */
  leave(): void {
    this.#entered--;
  }

  /** Takes a slot; waits in order of arrival while none is free. Rejects with CallFailure when the call ends first. */
  async acquire(bounds: CallBounds): Promise<void> {
    if (bounds.stop) throw new CallFailure("QUEUE", { stop: bounds.stop });
    if (this.#free > 0) {
      this.#free--;
      return;
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#waiting.add(resolve);
    bounds.watch((stop) => {
      // A slot granted in the same turn stays granted: the next stage sees the stop and gives it back.
      if (this.#waiting.delete(resolve)) reject(new CallFailure("QUEUE", { stop }));
    });
    await promise;
    bounds.watch(undefined);
  }

  /** Gives a slot back, to the longest waiting call. */
  release(): void {
    for (const grant of this.#waiting) {
      this.#waiting.delete(grant);
      grant();
      return;
    }
    this.#free++;
  }
}
