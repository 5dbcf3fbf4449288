/** Most sends that all streams together begin in one turn of the event loop. */
export const SENDS_PER_TURN = 64;

/**
 * Bounds what all streams together begin in one turn of the event loop. A
 * client's sends come many in one read of its connection and would all be begun
 * before anything else ran, answers and single calls included.
 */
export class StreamTurnBudget {
  #left = SENDS_PER_TURN;
  #next: Promise<void> | undefined;

  /** Tells that a send was begun. */
  spend(): void {
    this.#left--;
    this.#next ??= new Promise((resolve) => {
      setImmediate(() => {
        this.#left = SENDS_PER_TURN;
        this.#next = undefined;
        resolve();
      });
    });
  }

  /** The next turn, when this one's budget is used up. */
  get wait(): Promise<void> | undefined {
    return this.#left > 0 ? undefined : this.#next;
  }
}
