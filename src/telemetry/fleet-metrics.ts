import type { BatchObservableResult, Meter } from "@opentelemetry/api";

/** What is read of a process that shares its log with others. */
export interface ObservedFleet {
  readonly fleet: {
    state(): {
      readonly owned: ReadonlyMap<string, number>;
      readonly callsIn: number;
      readonly callsOut: number;
    };
  };
  readonly link: { readonly isConnected: boolean };
  /** Undefined without a copy of the log. */
  readonly follower: () => { readonly lag: number; readonly isCaughtUp: boolean } | undefined;
}

/** Tells how a process of a fleet is. Says nothing where there is no fleet. */
export class FleetMetrics {
  #observed: ObservedFleet | undefined;

  /** The fleet is open. */
  observe(observed: ObservedFleet): void {
    this.#observed = observed;
  }

  /** Makes the instruments. */
  register(meter: Meter): void {
    const gauge = (name: string, description: string) =>
      meter.createObservableGauge(`infobip_rpc_${name}`, { description });
    const connected = gauge(
      "nats_connected",
      "1 while there is a connection to NATS, 0 while there is none.",
    );
    const units = gauge("fleet_units", "Units of work that this process owns, by kind.");
    const calls = gauge(
      "fleet_calls",
      "Open calls between this process and others of the fleet, by direction.",
    );
    const lag = gauge(
      "replica_lag_messages",
      "Messages of the shared event log that this process's copy does not have yet.",
    );
    const caughtUp = gauge("replica_caught_up", "1 once the copy has had all that the log had at the start.");
    const read = (result: BatchObservableResult) => {
      if (!this.#observed) return;
      const { fleet, link, follower } = this.#observed;
      const { owned, callsIn, callsOut } = fleet.state();
      result.observe(connected, link.isConnected ? 1 : 0);
      for (const [kind, count] of owned) result.observe(units, count, { kind });
      result.observe(calls, callsIn, { direction: "in" });
      result.observe(calls, callsOut, { direction: "out" });
      const copy = follower();
      if (copy === undefined) return;
      result.observe(lag, copy.lag);
      result.observe(caughtUp, copy.isCaughtUp ? 1 : 0);
    };
    meter.addBatchObservableCallback(read, [connected, units, calls, lag, caughtUp]);
  }
}
