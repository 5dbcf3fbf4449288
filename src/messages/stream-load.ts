/** Most sends under way over all streams; one of each stream may go over. */
export const MAX_STREAM_SENDS = 10_000;
/** Streams are read again when so few sends are under way, so that each release does not wake all of them. */
const RESUME_AT = 0.9 * MAX_STREAM_SENDS;

/** Counts the sends under way over all streams, and tells streams when there is room again. */
export class StreamLoad {
  readonly #waiting = new Set<() => void>();
  #sends = 0;

  get isFull(): boolean {
    return this.#sends >= MAX_STREAM_SENDS;
  }

  /** Streams that wait for room. */
  get waiting(): number {
    return this.#waiting.size;
  }

  began(): void {
    this.#sends++;
  }

  ended(): void {
    this.#sends--;
    if (this.#waiting.size === 0 || this.#sends > RESUME_AT) return;
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const wake of waiting) wake();
  }

  /** Calls back once when there is room again. */
  onRoom(callback: () => void): void {
    this.#waiting.add(callback);
  }

  /** Takes back {@link onRoom}. */
  forget(callback: () => void): void {
    this.#waiting.delete(callback);
  }
}
