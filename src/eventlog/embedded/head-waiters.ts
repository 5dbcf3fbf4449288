interface Waiter {
  readonly after: number;
  readonly wake: () => void;
}

/** Those who wait for the log to grow. An aborted or woken waiter leaves nothing behind. */
export class HeadWaiters {
  readonly #waiters = new Set<Waiter>();

  /** Number of open waits. */
  get size(): number {
    return this.#waiters.size;
  }

  /** Resolves when {@link wake} is told a head past `after`, or when the signal aborts. Never rejects. */
  wait(after: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const waiter: Waiter = {
        after,
        wake: () => {
          this.#waiters.delete(waiter);
          signal.removeEventListener("abort", waiter.wake);
          resolve();
        },
      };
      this.#waiters.add(waiter);
      signal.addEventListener("abort", waiter.wake);
    });
  }

  /** Wakes every waiter that waits for less than `head`; Infinity wakes all. */
  wake(head: number): void {
    for (const waiter of [...this.#waiters]) if (waiter.after < head) waiter.wake();
  }
}
