import type { DescService } from "@bufbuild/protobuf";
import type { NatsLink } from "../nats/nats-link.ts";
import type { Values } from "../nats/values.ts";
import type { InternalErrors } from "../rpc/internal-error.ts";
import type { ClockTimer } from "../timer.ts";
import type { UnitKinds } from "./unit.ts";

/** Bounds of a fleet. Times in milliseconds. */
export interface FleetLimits {
  /** Wait between two signs of life to a process with which calls are open. */
  readonly heartbeatMs: number;
  /** Silence after which a process counts as gone, with all calls between the two. */
  readonly silenceMs: number;
  /** Longest wait for an owner to say that it owns a unit. */
  readonly askTimeoutMs: number;
  /** What a process has said counts for so long without asking it again. */
  readonly freshMs: number;
  /** After the connection was lost, others may take so long to come back before they count as gone. */
  readonly settleMs: number;
  /** Longest search for the owner of a unit, with every wait for it. */
  readonly resolveTimeoutMs: number;
  /** Wait between two looks at a unit whose owner gives it up. */
  readonly retryMs: number;
  /** Wait between two checks that the units owned here still are. */
  readonly checkMs: number;
  /** Wait between two looks at a kept unit. */
  readonly keepMs: number;
  /** Longest drain of a unit. */
  readonly drainMs: number;
  /** Most units owned by one process. */
  readonly maxUnits: number;
  /** Most units whose owner is remembered. */
  readonly maxRoutes: number;
  /** Most calls between this process and one other, in each direction. */
  readonly maxCallsPerPeer: number;
  /** Most calls between this process and all others, in each direction. */
  readonly maxCalls: number;
  /** Bytes of one direction of a call that are on their way or wait here: at first, and once its reader keeps up. */
  readonly minWindowBytes: number;
  readonly maxWindowBytes: number;
  /** Most bytes that all calls may wait here with; calls past it are refused. */
  readonly maxBufferedBytes: number;
  /** Most bytes of one part of a message. */
  readonly maxPartBytes: number;
  /** Most bytes of one message. */
  readonly maxMessageBytes: number;
}

/** Defaults of {@link FleetLimits}. */
export const DEFAULT_FLEET_LIMITS: FleetLimits = {
  heartbeatMs: 1_000,
  silenceMs: 4_000,
  askTimeoutMs: 3_000,
  freshMs: 1_500,
  settleMs: 3_000,
  resolveTimeoutMs: 15_000,
  retryMs: 100,
  checkMs: 10_000,
  keepMs: 2_000,
  drainMs: 30_000,
  maxUnits: 2_000,
  maxRoutes: 10_000,
  maxCallsPerPeer: 2_000,
  maxCalls: 4_000,
  minWindowBytes: 16 * 1024,
  maxWindowBytes: 256 * 1024,
  maxBufferedBytes: 128 * 1024 * 1024,
  maxPartBytes: 64 * 1024,
  maxMessageBytes: 32 * 1024 * 1024,
};

/** Told of what becomes of units. Must not throw. */
export interface FleetHooks {
  /** This process owns a unit; `from`: the instance that had it and did not answer. */
  readonly onTaken?: (unit: string, from: string | undefined) => void;
  /** A unit went to another process, or failed here. */
  readonly onLost?: (unit: string, reason: Error) => void;
  /** A unit was given up: it drained, or there was nothing in it. */
  readonly onGivenUp?: (unit: string) => void;
  /** What runs in the background failed; it is tried again. */
  readonly onTrouble?: (error: unknown) => void;
}

/** What a fleet is made of. It closes neither the link nor the values. */
export interface FleetOptions {
  readonly link: NatsLink;
  /** Who owns which unit. */
  readonly owners: Values;
  /** The part of subjects before the first dot. */
  readonly prefix: string;
  /** Tells this process from all others, also from itself before a restart. 16 hex digits. */
  readonly instanceId: string;
  readonly kinds: UnitKinds;
  /** Services whose methods other processes may call here. */
  readonly services: readonly DescService[];
  /** Methods (package.Service/Method) that may run again when it is not known whether they ran, beside those that say so in their proto file. */
  readonly idempotent?: ReadonlySet<string>;
  /** What becomes of errors in calls from other processes that no caller may see. */
  readonly errors: InternalErrors;
  readonly timer: ClockTimer;
  /** Unix milliseconds. */
  readonly now: () => number;
  /** From 0 to 1, 1 excluded. */
  readonly random: () => number;
  readonly limits?: Partial<FleetLimits>;
  readonly hooks?: FleetHooks;
}
