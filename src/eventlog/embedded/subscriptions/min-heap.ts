/** A binary heap of things by a number that does not change while they are in it. */
export class MinHeap<T> {
  readonly #rankOf: (item: T) => number;
  #items: T[] = [];

  constructor(rankOf: (item: T) => number) {
    this.#rankOf = rankOf;
  }

  get size(): number {
    return this.#items.length;
  }

  /** The item of the lowest rank, left in place. */
  peek(): T | undefined {
    return this.#items[0];
  }

  push(item: T): void {
    const rank = this.#rankOf(item);
    let at = this.#items.push(item) - 1;
    while (at > 0) {
      const parent = (at - 1) >>> 1;
      const above = this.#items[parent] as T;
      if (this.#rankOf(above) <= rank) break;
      this.#items[at] = above;
      at = parent;
    }
    this.#items[at] = item;
  }

  /** Takes the item of the lowest rank out. */
  pop(): T | undefined {
    const top = this.#items[0];
    const last = this.#items.pop();
    if (last !== undefined && this.#items.length > 0) this.#sink(last, 0);
    return top;
  }

  /** Keeps only the items for which a function returns true; it is asked once for each. Cost grows with their number. */
  retain(isKept: (item: T) => boolean): void {
    this.#items = this.#items.filter(isKept);
    for (let at = (this.#items.length >>> 1) - 1; at >= 0; at--) this.#sink(this.#items[at] as T, at);
  }

  clear(): void {
    this.#items = [];
  }

  /** Puts an item where it belongs, at a place that is free or its own, or below. */
  #sink(item: T, from: number): void {
    const rank = this.#rankOf(item);
    const { length } = this.#items;
    let at = from;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= length) break;
      const right = child + 1;
      if (right < length && this.#rank(right) < this.#rank(child)) child = right;
      if (this.#rank(child) >= rank) break;
      this.#items[at] = this.#items[child] as T;
      at = child;
    }
    this.#items[at] = item;
  }

  #rank(at: number): number {
    return this.#rankOf(this.#items[at] as T);
  }
}
