import type { UnitCalls } from "../rpc/unit-calls.ts";

/** State of the fleet as this process sees it. Cheap: for metrics and probes. */
export interface FleetState {
  /** Units that this process owns, by kind. */
  readonly owned: ReadonlyMap<string, number>;
  /** Calls that come from other processes and run here, and calls that run in others. */
  readonly callsIn: number;
  readonly callsOut: number;
}

/**
 * The processes that share one event log over NATS. Each unit of work has one
 * owner; calls go to it. A unit without an owner, or whose owner does not
 * answer, is taken over by the process that was asked.
 */
export interface Fleet extends UnitCalls, AsyncDisposable {
  /** Tells this process from all others, also from itself before a restart. 16 hex digits. */
  readonly instanceId: string;
  /** Makes sure, for as long as the fleet is open, that a unit always has an owner: this process when no other one has it. */
  keep(unit: string): void;
  /** Why a kept unit had no owner when it was looked at last; undefined when it had one. */
  trouble(unit: string): unknown;
  state(): FleetState;
  /** Gives all units up, once they have drained; takes no more. Calls that run in other processes are told there. */
  drain(): Promise<void>;
}
