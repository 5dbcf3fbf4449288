import { labelsKey } from "./labels-key.ts";

/** Most combinations of labels that one counter tells apart; labels come from closed sets, so this is never reached. */
const MAX_SERIES = 1_000;

/** One combination of labels and its count. */
export interface Series<L> {
  readonly labels: L;
  count: number;
}

/** Counts by labels. Costs one look-up a count; whoever wants to know reads it. */
export class LabelledCounter<L extends Readonly<Record<string, string>>> {
  readonly #series = new Map<string, Series<L>>();

  /** Adds to the count of these labels. Adding 0 makes them known. */
  add(labels: L, count: number): void {
    const key = labelsKey(labels);
    const known = this.#series.get(key);
    if (known) known.count += count;
    else if (this.#series.size < MAX_SERIES) this.#series.set(key, { labels, count });
  }

  /** All counts. */
  series(): Iterable<Series<L>> {
    return this.#series.values();
  }
}
