/** Most combinations of labels that one histogram tells apart; labels come from closed sets, so this is never reached. */
const MAX_SERIES = 1_000;

/** What a histogram is, for the page. */
export interface HistogramSpec {
  readonly name: string;
  readonly description: string;
  /** Upper bounds of the buckets, each included, rising. Above the last there is one more bucket. */
  readonly bounds: readonly number[];
}

/** One combination of labels and what was recorded with it. */
export interface HistogramSeries<L> {
  readonly labels: L;
  /** One for each bound and one for what is above. */
  readonly counts: number[];
  sum: number;
  count: number;
}

/** Counts values by size and by labels. Whoever wants to know reads it. */
export class Histogram<L extends Readonly<Record<string, string>>> {
  readonly spec: HistogramSpec;
  readonly #series = new Map<string, HistogramSeries<L>>();

  constructor(spec: HistogramSpec) {
    this.spec = spec;
  }

  /** Makes labels known: what has not happened yet counts 0, so that its first time is seen as a change. */
  expect(labels: L): void {
    this.#seriesOf(labels);
  }

  /** Adds a value. */
  record(labels: L, value: number): void {
    const series = this.#seriesOf(labels);
    if (!series) return;
    const above = this.spec.bounds.findIndex((bound) => value <= bound);
    const bucket = above < 0 ? this.spec.bounds.length : above;
    series.counts[bucket] = (series.counts[bucket] ?? 0) + 1;
    series.sum += value;
    series.count++;
  }

  /** All series. */
  series(): Iterable<HistogramSeries<L>> {
    return this.#series.values();
  }

  #seriesOf(labels: L): HistogramSeries<L> | undefined {
    const key = Object.values(labels).join("\n");
    const known = this.#series.get(key);
    if (known || this.#series.size >= MAX_SERIES) return known;
    const counts = new Array<number>(this.spec.bounds.length + 1).fill(0);
    const series = { labels, counts, sum: 0, count: 0 };
    this.#series.set(key, series);
    return series;
  }
}

/** What is read of a histogram. */
export type ReadableHistogram = Pick<Histogram<Readonly<Record<string, string>>>, "spec" | "series">;
