import type { Entry } from "./entry.ts";

/** Submissions that wait for their turn, in order; those that are put back keep their place. */
export class ReadyQueue {
  readonly #queue: Entry[] = [];
  #next = 0;
  #returned: Entry[] = [];
  #isSorted = true;
  #lastOrder = 0;
  #size = 0;
  #bytes = 0;

  get size(): number {
    return this.#size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Adds one behind all others. */
  push(entry: Entry): void {
    entry.order = ++this.#lastOrder;
    entry.phase = "READY";
    this.#queue.push(entry);
    this.#added(entry);
  }

  /** Puts one that was taken back into its place. */
  putBack(entry: Entry): void {
    entry.phase = "READY";
    this.#returned.push(entry);
    this.#isSorted = false;
    this.#added(entry);
  }

  /** One that is in the queue is READY no longer: it will be passed over. */
  withdrawn(entry: Entry): void {
    this.#size--;
    this.#bytes -= entry.bytes;
  }

  peek(): Entry | undefined {
    if (!this.#isSorted) {
      this.#returned.sort((a, b) => b.order - a.order);
      this.#isSorted = true;
    }
    // What was taken before comes before everything that was not.
    while (this.#returned.length > 0 && this.#returned.at(-1)?.phase !== "READY") this.#returned.pop();
    if (this.#returned.length > 0) return this.#returned.at(-1);
    while (this.#next < this.#queue.length && this.#queue[this.#next]?.phase !== "READY") this.#next++;
    if (this.#next > 1_000 && this.#next * 2 > this.#queue.length) {
      this.#queue.splice(0, this.#next);
      this.#next = 0;
    }
    return this.#queue[this.#next];
  }

  /** Takes the one that peek() gives; its phase is to be changed by the caller. */
  shift(): Entry | undefined {
    const entry = this.peek();
    if (entry === undefined) return undefined;
    if (this.#returned.length > 0) this.#returned.pop();
    else this.#next++;
    this.withdrawn(entry);
    return entry;
  }

  #added(entry: Entry): void {
    this.#size++;
    this.#bytes += entry.bytes;
  }
}
