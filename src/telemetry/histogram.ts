import { labelsKey } from "./labels-key.ts";

/** Most combinations of labels that one histogram tells apart. Labels come from closed sets, so this is never reached. */
export const MAX_HISTOGRAM_SERIES = 1_000;

/** Labels by name. */
export type Labels = Readonly<Record<string, string>>;

/** What a histogram is, for its readers. */
export interface HistogramSpec {
  readonly name: string;
  readonly description: string;
  /** As UCUM writes it: `s`, `By`. Empty for numbers of things, and where the name has it. */
  readonly unit?: string;
  /** Upper bounds of the buckets, each included, rising. Above the last there is one more bucket. */
  readonly bounds: readonly number[];
}

/** One combination of labels and what was recorded with it. */
export class HistogramSeries<L extends Labels> {
  readonly labels: L;
  /** One for each bound and one for what is above. */
  readonly counts: number[];
  sum = 0;
  count = 0;
  readonly #bounds: readonly number[];

  constructor(labels: L, bounds: readonly number[]) {
    this.labels = labels;
    this.#bounds = bounds;
    this.counts = new Array<number>(bounds.length + 1).fill(0);
  }

  /** Adds a value: a few comparisons and additions. */
  record(value: number): void {
    const bounds = this.#bounds;
    let bucket = 0;
    // Not a number is above all bounds.
    while (bucket < bounds.length && !(value <= (bounds[bucket] as number))) bucket++;
    this.counts[bucket] = (this.counts[bucket] as number) + 1;
    this.sum += value;
    this.count++;
  }
}

/** Counts values by size and by labels. Whoever wants to know reads it. */
export class Histogram<L extends Labels> {
  readonly spec: HistogramSpec;
  readonly #series = new Map<string, HistogramSeries<L>>();

  constructor(spec: HistogramSpec) {
    this.spec = spec;
  }

  /** Makes labels known: what has not happened yet counts 0, so that its first time is seen as a change. */
  expect(labels: L): void {
    this.of(labels);
  }

  /** Adds a value. Costs a look-up by the labels' text; {@link of} saves it to whoever records with the same labels again. */
  record(labels: L, value: number): void {
    this.of(labels)?.record(value);
  }

  /** The series of these labels, to be kept and recorded to. Undefined when there are too many. */
  of(labels: L): HistogramSeries<L> | undefined {
    const key = labelsKey(labels);
    const known = this.#series.get(key);
    if (known || this.#series.size >= MAX_HISTOGRAM_SERIES) return known;
    const series = new HistogramSeries(labels, this.spec.bounds);
    this.#series.set(key, series);
    return series;
  }

  /** All series. */
  series(): Iterable<HistogramSeries<L>> {
    return this.#series.values();
  }
}

/** What is read of a histogram. */
export interface ReadableHistogram {
  readonly spec: HistogramSpec;
  series(): Iterable<Pick<HistogramSeries<Labels>, "labels" | "counts" | "sum" | "count">>;
}
