import type { Meter } from "@opentelemetry/api";
import type { LostPage, PullEvents, PullSource } from "../webhook/pull-events.ts";
import { ItemCounter } from "./item-counter.ts";
import { LabelledCounter, type Series } from "./labelled-counter.ts";

const LOSSES: readonly LostPage["reason"][] = ["UNREADABLE", "STOPPED_STORING", "STOPPED_FETCHING"];

/** What can be observed of a counter. */
type Counts = { series(): Iterable<Series<Readonly<Record<string, string>>>> };

/** Counts what is fetched from Infobip. A source is `reports`, or the channel whose inbound messages are fetched. */
export class PullMetrics {
  readonly #fetches = new LabelledCounter<{ source: string; result: string }>();
  readonly #items = new ItemCounter("source");
  readonly #refused = new LabelledCounter<{ source: string }>();
  readonly #lost = new LabelledCounter<{ source: string; reason: string }>();
  readonly #known = new Set<string>();

  /** To be told what happens to the pollers. */
  readonly events: PullEvents = {
    stored: (source, { receipt }) => {
      const name = this.#nameOf(source);
      this.#fetches.add({ source: name, result: "OK" }, 1);
      this.#items.add(name, receipt);
    },
    fetchFailed: (source, { error }) =>
      this.#fetches.add({ source: this.#nameOf(source), result: error.reason }, 1),
    held: (source) => this.#refused.add({ source: this.#nameOf(source) }, 1),
    lost: (source, { reason }) => this.#lost.add({ source: this.#nameOf(source), reason }, 1),
  };

  /** Makes the instruments. */
  register(meter: Meter): void {
    const counter = (name: string, counts: Counts, description: string) =>
      meter
        .createObservableCounter(`infobip_rpc_pull_${name}_total`, { description })
        .addCallback((result) => {
          for (const { labels, count } of counts.series()) result.observe(count, labels);
        });
    counter(
      "fetches",
      this.#fetches,
      "Fetches from Infobip by source; result OK once the page is stored, else the reason of the failure.",
    );
    counter(
      "items",
      this.#items,
      "Items of fetched pages by what became of them: stored, or repeated because the log had them. Those of a shape that could not be read are unparsed as well.",
    );
    counter(
      "store_failures",
      this.#refused,
      "Times that the log did not take a fetched page, which is kept and tried again.",
    );
    counter("lost_pages", this.#lost, "Fetched pages that are lost, or may be, by reason.");
  }

  /** The label of a source. What has not happened to it yet counts 0, so that its first time is seen as a change. */
  #nameOf({ channel }: PullSource): string {
    const source = channel ?? "reports";
    if (this.#known.has(source)) return source;
    this.#known.add(source);
    this.#fetches.add({ source, result: "OK" }, 0);
    this.#items.expect(source);
    this.#refused.add({ source }, 0);
    for (const reason of LOSSES) this.#lost.add({ source, reason }, 0);
    return source;
  }
}
