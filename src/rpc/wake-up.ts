/** Wakes one waiter. A call that comes while nobody waits is kept for the next wait. */
export class WakeUp {
  #isDue = false;
  #resolve: (() => void) | undefined;

  readonly wake = (): void => {
    this.#isDue = true;
    this.#resolve?.();
  };

  /** Resolves at the next wake(), or at once when one has come since the last wait. One wait at a time. */
  async wait(): Promise<void> {
    if (!this.#isDue) {
      await new Promise<void>((resolve) => {
        this.#resolve = resolve;
      });
      this.#resolve = undefined;
    }
    this.#isDue = false;
  }
}
