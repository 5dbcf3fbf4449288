/** Most records that are examined or read in one turn of the event loop. */
const RECORDS_PER_TURN = 2_048;

/**
 * Bounds what all subscriptions together read in one turn of the event loop:
 * reads of an embedded log resolve within the turn, so without it a consumer
 * that catches up would let nothing else run.
 */
export class TurnBudget {
  #left = RECORDS_PER_TURN;
  #next: Promise<void> | undefined;

  /** Tells that records were read. */
  spend(records: number): void {
    this.#left -= records;
    this.#next ??= new Promise((resolve) => {
      setImmediate(() => {
        this.#left = RECORDS_PER_TURN;
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
