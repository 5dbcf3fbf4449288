import { SubmissionStateSchema } from "../gen/infobip/messages/v1/submission_pb.js";
import manifest from "../package.json" with { type: "json" };
import { MAX_SUBSCRIPTIONS } from "./eventlog/subscription-engine.ts";
import type { ServiceState } from "./lifecycle.ts";
import type { Role } from "./roles.ts";
import type { Checks, RoleChecks } from "./server/role-check.ts";
import type { Metrics } from "./telemetry/metrics.ts";
import type { Observed } from "./telemetry/observed.ts";

/** Most subscriptions that the page lists. */
export const MAX_LISTED_SUBSCRIPTIONS = 100;

/** What the page is made of. */
export interface StatusSources {
  readonly state: ServiceState;
  readonly roles: readonly Role[];
  readonly checks: Checks;
  readonly roleChecks: RoleChecks;
  readonly metrics: Pick<Metrics, "streams" | "observed">;
  /** Unix milliseconds. */
  readonly now: () => number;
  readonly startedAt: number;
}

/**
 * What the service has open at this moment, for people who look for what is
 * wrong. Holds no secret, no address of a person and no message id. What cannot
 * be read is left out.
 */
export async function serviceStatus(sources: StatusSources): Promise<object> {
  const { metrics, now } = sources;
  const { observed } = metrics;
  const [log, subscriptions, outbox] = await Promise.all([
    logStatus(observed),
    subscriptionsStatus(observed, now()),
    outboxStatus(observed, now()),
  ]);
  return {
    version: manifest.version,
    node: process.versions.node,
    state: sources.state,
    uptimeSeconds: seconds(now() - sources.startedAt),
    roles: sources.roles,
    checks: sources.checks,
    roleChecks: sources.roleChecks,
    listeners: observed.listeners?.(),
    streams: Object.fromEntries(metrics.streams.open()),
    log,
    watchLagEvents: observed.watches?.mostBehind,
    subscriptions,
    queue: queueStatus(observed),
    outbox,
    fleet: fleetStatus(observed),
    certificates: certificatesStatus(observed),
  };
}

async function logStatus({ log }: Observed): Promise<object | undefined> {
  if (log === undefined) return undefined;
  const stats = await log.stats().catch(() => undefined);
  const limits = stats?.retention;
  return {
    ...log.bounds(),
    health: log.health(),
    events: stats?.events,
    sizeBytes: stats?.sizeBytes,
    retention: limits && {
      bytes: limits.bytes,
      ageSeconds: seconds(limits.ageMs),
      used: Math.round((1_000 * stats.sizeBytes) / limits.bytes) / 1_000,
    },
  };
}

async function subscriptionsStatus(
  { subscriptions }: Observed,
  nowMs: number,
): Promise<{ readonly count: number; readonly list: readonly object[] } | undefined> {
  const all = subscriptions?.list("", MAX_SUBSCRIPTIONS);
  if (subscriptions === undefined || all === undefined) return undefined;
  const list: object[] = [];
  for (const { id } of all.slice(0, MAX_LISTED_SUBSCRIPTIONS)) {
    const progress = await subscriptions.progress(id).catch(() => undefined);
    if (progress === undefined) continue;
    const { oldestTimeMs, blocked: _, ...counts } = progress;
    list.push({ id, ...counts, lagSeconds: oldestTimeMs === undefined ? 0 : seconds(nowMs - oldestTimeMs) });
  }
  return { count: all.length, list };
}

function queueStatus({ sendQueue }: Observed): object | undefined {
  const state = sendQueue?.state();
  if (state === undefined) return undefined;
  const { queuedJobs, queuedBytes, requests, circuit, pausedMs, oldestMs, rateLimitMs } = state;
  return {
    calls: queuedJobs,
    bytes: queuedBytes,
    oldestSeconds: seconds(oldestMs),
    requestsInFlight: requests,
    circuit,
    pausedSeconds: seconds(pausedMs),
    rateLimitWaitSeconds: seconds(rateLimitMs),
  };
}

async function outboxStatus({ outbox, submissions }: Observed, nowMs: number): Promise<object | undefined> {
  const state = outbox?.state();
  if (state === undefined) return undefined;
  const dueMs = await submissions?.nextDue(-1).catch(() => undefined);
  return {
    submissions: Object.fromEntries(
      [...state.byState].map(([number, count]) => [
        SubmissionStateSchema.value[number]?.localName ?? number,
        count,
      ]),
    ),
    bytes: state.bytes,
    inFlight: state.inFlight,
    heldSeconds: seconds(state.heldMs),
    overdueSeconds: dueMs === undefined ? 0 : seconds(Math.max(0, nowMs - dueMs)),
  };
}

function fleetStatus({ fleet }: Observed): object | undefined {
  if (fleet === undefined) return undefined;
  const { owned, callsIn, callsOut } = fleet.fleet.state();
  const copy = fleet.follower();
  return {
    connected: fleet.link.isConnected,
    units: Object.fromEntries(owned),
    callsIn,
    callsOut,
    replica: copy && { lag: copy.lag, isCaughtUp: copy.isCaughtUp },
  };
}

function certificatesStatus({ tls }: Observed): readonly object[] | undefined {
  return tls?.certificates().map(({ listener, notAfterMs, reloads }) => ({
    listener,
    notAfter: new Date(notAfterMs).toISOString(),
    reloads,
  }));
}

function seconds(ms: number): number {
  return Math.round(ms) / 1_000;
}
