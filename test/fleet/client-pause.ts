import { setTimeout as wait } from "node:timers/promises";

/** Waits of a client between two tries, in milliseconds: they double up to the longest. */
const FIRST_MS = 20;
const LONGEST_MS = 500;

/** What a client waits before it tries again, as any client of a service does; at once after the signal aborts. */
export class ClientPause {
  #nextMs = FIRST_MS;

  async wait(signal?: AbortSignal): Promise<void> {
    const ms = this.#nextMs;
    this.#nextMs = Math.min(LONGEST_MS, ms * 2);
    await wait(ms, undefined, { signal }).catch(() => undefined);
  }

  /** Something went well. */
  reset(): void {
    this.#nextMs = FIRST_MS;
  }
}
