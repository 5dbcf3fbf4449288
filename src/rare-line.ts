/** Least time between two lines about one and the same trouble, in milliseconds. */
export const REPEATED_TROUBLE_MS = 60_000;

/** The first time writes a line, later ones only once in a while. */
export class RareLine {
  readonly #now: () => number;
  #writtenAt = Number.NEGATIVE_INFINITY;
  #count = 0;
  #isTold = false;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Calls back when it is time for a line, with how often it has happened since the last one. */
  write(line: (count: number) => void, times = 1): void {
    this.#count += times;
    if (this.#now() - this.#writtenAt < REPEATED_TROUBLE_MS) return;
    this.#writtenAt = this.#now();
    this.#isTold = true;
    line(this.#count);
    this.#count = 0;
  }

  /** The trouble is over. Whether it had been told since it was over last. */
  end(): boolean {
    const wasTold = this.#isTold;
    this.#isTold = false;
    return wasTold;
  }
}
