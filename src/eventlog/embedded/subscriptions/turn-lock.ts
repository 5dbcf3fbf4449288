/** Lets one in at a time, first come first served. */
export class TurnLock {
  #last: Promise<void> = Promise.resolve();

  /** Runs the work once all work before it is done, however that ended. */
  run<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work);
    this.#last = result.then(ignore, ignore);
    return result;
  }
}

function ignore(): void {}
