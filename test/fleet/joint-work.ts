/** Work that goes on at the same time: when a part of it fails, or the limit aborts, all of it ends. */
export class JointWork {
  readonly #failed = new AbortController();
  /** Aborts with the reason for which all ends. */
  readonly signal: AbortSignal;

  constructor(limit: AbortSignal) {
    this.signal = AbortSignal.any([limit, this.#failed.signal]);
  }

  /** Takes a part of the work in, which may be awaited later. */
  add<T>(part: Promise<T>): Promise<T> {
    part.catch((error: unknown) => this.#failed.abort(error));
    return part;
  }

  /** Ends what is left. */
  end(): void {
    this.#failed.abort(new Error("the rest of the work is over"));
  }
}
