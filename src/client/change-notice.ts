/** Tells any number of waiters that something has changed. */
export class ChangeNotice {
  #waiting: Promise<void> | undefined;
  #resolve: () => void = () => undefined;

  /** Resolves at the next change. */
  next(): Promise<void> {
    this.#waiting ??= new Promise((resolve) => {
      this.#resolve = resolve;
    });
    return this.#waiting;
  }

  changed(): void {
    this.#waiting = undefined;
    this.#resolve();
  }
}
