import type { PropertyViolation } from "./api-errors.ts";

/** The REST endpoints of the simulator, by the names used in faults and counters. */
export const ENDPOINTS = ["messages", "validate", "events", "reports", "inbound", "token"] as const;
/** One of {@link ENDPOINTS}. */
export type EndpointName = (typeof ENDPOINTS)[number];

/** Kinds of faults. docs/simulator.md says what each does on the wire. */
export const FAULT_KINDS = [
  "bad-request",
  "unauthorized",
  "forbidden",
  "rate-limited",
  "server-error",
  "bad-gateway",
  "unavailable",
  "gateway-timeout",
  "hang",
  "reset-before-body",
  "reset-after-body",
  "slow-body",
  "garbage-body",
  "truncated-body",
  "partial-rejection",
] as const;
/** One of {@link FAULT_KINDS}. */
export type FaultKind = (typeof FAULT_KINDS)[number];

/** A fault, and which requests it befalls. */
export interface FaultRule {
  readonly kind: FaultKind;
  /** Requests it befalls before it is used up. Default 1; with `probability` default unlimited. */
  readonly count?: number | undefined;
  /** Chance, 0 to 1, that it befalls a request that it could. Default 1. */
  readonly probability?: number | undefined;
  /** Endpoints it befalls. Default: all. */
  readonly endpoints?: readonly EndpointName[] | undefined;
  /**
   * Whether the request takes effect although its answer is spoilt: messages
   * are accepted and reported. Default true for slow-body, garbage-body,
   * truncated-body and partial-rejection, else false. The other answers that
   * refuse a request, and reset-before-body, never let it take effect.
   */
  readonly accept?: boolean | undefined;
  /** Value of a Retry-After header in seconds, for rate-limited and unavailable. Default: no such header. */
  readonly retryAfterSeconds?: number | undefined;
  /** Violations of a bad-request. Default: one, on `property.path`. */
  readonly violations?: readonly PropertyViolation[] | undefined;
  /** Style of the error body. Default: the simulator's own setting. */
  readonly style?: "api-error" | "legacy" | undefined;
  /** Milliseconds over which a slow body trickles out. Default 1000. */
  readonly durationMs?: number | undefined;
}

/** Faults after which it cannot be told from outside whether the request took effect. */
const AMBIGUOUS: ReadonlySet<FaultKind> = new Set([
  "server-error",
  "bad-gateway",
  "gateway-timeout",
  "hang",
  "reset-after-body",
]);
/** Faults that spoil the answer to a request that took effect. */
const SPOILING: ReadonlySet<FaultKind> = new Set([
  "slow-body",
  "garbage-body",
  "truncated-body",
  "partial-rejection",
]);

/** Whether the request is carried out before the fault strikes. */
export function takesEffect(fault: FaultRule): boolean {
  if (SPOILING.has(fault.kind)) return fault.accept ?? true;
  return AMBIGUOUS.has(fault.kind) && fault.accept === true;
}
