/**
 * Races one promise after the other with one abort signal. Holds a single
 * listener however many promises are raced, where Promise.race with a
 * long-lived signal would keep a reaction for each.
 */
export class SignalRace implements Disposable {
  readonly #signal: AbortSignal;
  readonly #onAbort = () => this.#reject?.(this.#signal.reason);
  #reject: ((reason: unknown) => void) | undefined;

  constructor(signal: AbortSignal) {
    this.#signal = signal;
    signal.addEventListener("abort", this.#onAbort);
  }

  /** Settles as the promise does, or rejects with the reason of the signal. One promise at a time. */
  race<T>(promise: Promise<T>): Promise<T> {
    if (this.#signal.aborted) {
      promise.catch(() => undefined);
      return Promise.reject(this.#signal.reason);
    }
    return new Promise<T>((resolve, reject) => {
      this.#reject = reject;
      promise.then(resolve, reject);
    });
  }

  [Symbol.dispose](): void {
    this.#signal.removeEventListener("abort", this.#onAbort);
    this.#reject = undefined;
  }
}

/**
 * Iterates a source until the signal aborts. On abort it throws the signal's
 * reason at once, also when the source hangs in an await of its own, and tells
 * the source to return without waiting for it.
 */
export async function* untilAborted<T>(source: AsyncIterable<T>, signal: AbortSignal): AsyncGenerator<T> {
  using race = new SignalRace(signal);
  const iterator = source[Symbol.asyncIterator]();
  let done = false;
  try {
    while (true) {
      const next = await race.race(Promise.resolve(iterator.next()));
      if (next.done) {
        done = true;
        return;
      }
      yield next.value;
    }
  } catch (error) {
    // A source that threw is finished: only one that was left behind has to be told.
    done = !signal.aborted;
    throw error;
  } finally {
    if (!done) void Promise.resolve(iterator.return?.()).catch(() => undefined);
  }
}
