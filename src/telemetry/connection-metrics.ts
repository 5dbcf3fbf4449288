import type { Meter } from "@opentelemetry/api";

/** What is read of a listener. */
export interface ObservedListener {
  /** Where it listens, as the configuration writes addresses. */
  readonly address: string;
  /** Connections that are open. */
  readonly connections: number;
}

/** What is read of the listeners, by name. */
export type ObservedListeners = () => Readonly<Record<string, ObservedListener>>;

/** Counts connections that are open, by listener. */
export class ConnectionMetrics {
  #listeners: ObservedListeners | undefined;

  /** Listeners can be read. */
  observe(listeners: ObservedListeners): void {
    this.#listeners = listeners;
  }

  /** Makes the instrument. */
  register(meter: Meter): void {
    meter
      .createObservableGauge("infobip_rpc_connections", {
        description: "Connections that are open, by listener; handshakes are not among them.",
      })
      .addCallback((result) => {
        for (const [listener, { connections }] of Object.entries(this.#listeners?.() ?? {})) {
          result.observe(connections, { listener });
        }
      });
  }
}
