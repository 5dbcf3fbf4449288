import type { Receipt } from "../webhook/receiver.ts";
import { LabelledCounter, type Series } from "./labelled-counter.ts";

/** What became of an item. */
const RESULTS = ["stored", "repeated", "unparsed"] as const;

type ItemResult = (typeof RESULTS)[number];

/** Counts items by where they came from, the label `K`, and by what became of them. */
export class ItemCounter<K extends string> {
  readonly #label: K;
  readonly #items = new LabelledCounter<Record<string, string>>();

  constructor(label: K) {
    this.#label = label;
  }

  /** Makes an origin known: what has not happened yet counts 0, so that its first time is seen as a change. */
  expect(origin: string): void {
    for (const result of RESULTS) this.#items.add({ [this.#label]: origin, result }, 0);
  }

  /** The items of one body. */
  add(origin: string, { appended: stored, duplicates: repeated, unparsed }: Receipt): void {
    const counts: Readonly<Record<ItemResult, number>> = { stored, repeated, unparsed };
    for (const result of RESULTS) {
      if (counts[result] > 0) this.#items.add({ [this.#label]: origin, result }, counts[result]);
    }
  }

  /** All counts. */
  series(): Iterable<Series<Record<string, string>>> {
    return this.#items.series();
  }
}
