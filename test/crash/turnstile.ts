/** Lets callers wait until a condition holds; whoever changes what it depends on says so. */
export class Turnstile {
  #wake = Promise.withResolvers<void>();

  changed(): void {
    this.#wake.resolve();
    this.#wake = Promise.withResolvers();
  }

  /** Resolves when the condition holds, or the signal aborts. */
  async until(condition: () => boolean, signal: AbortSignal): Promise<void> {
    const aborted = Promise.withResolvers<void>();
    const onAbort = () => aborted.resolve();
    signal.addEventListener("abort", onAbort);
    while (!signal.aborted && !condition()) await Promise.race([this.#wake.promise, aborted.promise]);
    signal.removeEventListener("abort", onAbort);
  }
}
