/** A store that one process at a time may write. */
export interface Fenced<T> {
  readonly store: T;
  /**
   * Aborts when another process has taken the store over, with an Error as reason: every commit from then on
   * rejects, and nothing of it is stored. The holder must stop using the store.
   */
  readonly fenced: AbortSignal;
}
