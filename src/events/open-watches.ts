/** One WatchEvents stream, by how far it has come in the log. */
export interface WatchPosition {
  readonly position: number;
}

/** The WatchEvents streams that are open, as many as the listeners allow. For metrics. */
export class OpenWatches {
  readonly #watches = new Set<WatchPosition>();
  readonly #head: () => number;

  /** `head` tells the sequence of the log's last event. */
  constructor(head: () => number) {
    this.#head = head;
  }

  /** Until the signal aborts, or {@link close} is called. */
  open(watch: WatchPosition, signal: AbortSignal): void {
    if (signal.aborted) return;
    this.#watches.add(watch);
    // A stream that nobody reads to its end is never told so.
    signal.addEventListener("abort", () => this.#watches.delete(watch), { once: true });
  }

  close(watch: WatchPosition): void {
    this.#watches.delete(watch);
  }

  /** Events that the stream furthest behind has not been given yet; 0 when none is open. */
  get mostBehind(): number {
    const head = this.#head();
    let most = 0;
    for (const { position } of this.#watches) most = Math.max(most, head - position);
    return most;
  }
}
