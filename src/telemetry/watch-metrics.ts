import type { Meter } from "@opentelemetry/api";

/** What is read of the open WatchEvents streams. */
export interface ObservedWatches {
  /** Events that the stream furthest behind has not been given yet; 0 when none is open. */
  readonly mostBehind: number;
}

/** Tells how far WatchEvents streams are behind. Says nothing where they are not served. */
export class WatchMetrics {
  #watches: ObservedWatches | undefined;

  /** Streams can be opened. */
  observe(watches: ObservedWatches): void {
    this.#watches = watches;
  }

  /** Makes the instrument. */
  register(meter: Meter): void {
    meter
      .createObservableGauge("infobip_rpc_watch_lag_events", {
        description: "Events that the WatchEvents stream furthest behind has not been given yet.",
      })
      .addCallback((result) => {
        if (this.#watches) result.observe(this.#watches.mostBehind);
      });
  }
}
