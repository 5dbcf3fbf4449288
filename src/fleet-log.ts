import type { JetStreamLogHooks } from "./eventlog/jetstream/open-jetstream-log.ts";
import type { FleetHooks } from "./fleet/fleet-options.ts";
import type { Logger } from "./log.ts";
import { RareLine } from "./rare-line.ts";

/** What happens between the processes that share a log and is worth a log line. None of these throws. */
export interface FleetEvents {
  /** Of this process's copy of the event log. */
  readonly log: Pick<
    JetStreamLogHooks,
    | "onFollowTrouble"
    | "onFollowRecovered"
    | "onSkipped"
    | "onRebuilt"
    | "onReplicaTrouble"
    | "onReplicaRecovered"
  >;
  /** Of the units of work. */
  readonly units: FleetHooks;
  /** The connection to NATS was lost. */
  readonly disconnected: () => void;
  /** There is a connection again. */
  readonly reconnected: () => void;
}

/**
 * Writes what happens in the fleet as log lines: what is tried again at most
 * once a minute.
 * @param now Milliseconds on any clock that only goes forward.
 */
export function logFleetEvents(log: Logger, now: () => number): FleetEvents {
  const checks = new RareLine(now);
  const replica = log.child({ component: "replica" });
  const fleet = log.child({ component: "fleet" });
  return {
    log: {
      onFollowTrouble: (error) =>
        replica.warn("the copy of the event log gets nothing new; it is tried again until it does", {
          error,
        }),
      onFollowRecovered: () => replica.info("the copy of the event log gets what is new again"),
      onSkipped: (count) =>
        replica.warn("messages in the stream of events are none and were passed over", { count }),
      onRebuilt: (reason) =>
        replica.warn(`the copy of the event log is of no use (${reason}) and is fetched anew`),
      onReplicaTrouble: (error) =>
        replica.error("the copy of the event log cannot be written; events are not delivered until it can", {
          error,
        }),
      onReplicaRecovered: () => replica.info("the copy of the event log can be written again"),
    },
    units: {
      onTaken: (unit, from) =>
        fleet.info(
          from === undefined
            ? `this process does the work of ${unit}`
            : `this process does the work of ${unit}; ${from} had it and did not answer`,
        ),
      onLost: (unit, error) => fleet.warn(`this process no longer does the work of ${unit}`, { error }),
      onGivenUp: (unit) => fleet.debug(`this process has given up the work of ${unit}`),
      onTrouble: (error) =>
        checks.write((count) =>
          fleet.warn("a check of who does which work has failed; it is tried again", {
            count,
            error: error instanceof Error ? error : new Error(String(error)),
          }),
        ),
    },
    disconnected: () =>
      fleet.warn("the connection to NATS is lost; events are not stored until it is back, and sends go on"),
    reconnected: () => fleet.info("there is a connection to NATS again"),
  };
}
