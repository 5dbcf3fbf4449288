import type { EventType } from "../../gen/infobip/events/v1/event_pb.js";
import type { EventsClient } from "../crash/events-client.ts";
import { positionOf } from "../crash/position.ts";
import { checkSubscription } from "../history/check-subscription.ts";
import { checkWatch } from "../history/check-watch.ts";
import type { Violation } from "../history/violation.ts";
import type { LoggedEvent, Post, WatchStream } from "../history/watch-history.ts";
import { checkProgress, type FleetSession } from "./check-progress.ts";
import { checkReportOrder } from "./check-report-order.ts";
import { differingMessages, type LogView, listLog, viewLog } from "./gateway-view.ts";

/** Messages that are looked at one by one. */
const SAMPLE = 100;
/** Failed deliveries after which the subscription gives an event up: the default. */
const MAX_ATTEMPTS = 10;

/** Everything that clients of a fleet did and saw. */
export interface EventsHistory {
  /** Of all gateways, which are up. */
  readonly gateways: readonly EventsClient[];
  /** Name of the subscription. */
  readonly subscription: string;
  /** What of the log it is about; empty for all of it. */
  readonly types: readonly EventType[];
  /** How many messages were reported. */
  readonly messages: number;
  readonly posts: readonly Post[];
  readonly streams: readonly WatchStream[];
  readonly sessions: readonly FleetSession[];
  /** How each session ended. */
  readonly ends: readonly string[];
  readonly deliveries: number;
  readonly crashes: number;
}

/** What is left when everything has happened. */
export interface EventsOutcome {
  readonly violations: readonly Violation[];
  readonly events: number;
  /** Sequences that no event has. */
  readonly gaps: number;
  readonly deliveries: number;
  readonly sessions: number;
  /** How often sessions ended in which way: `left`, `draining`, `silence`, or the reason or code of an error. */
  readonly ends: ReadonlyMap<string, number>;
  readonly streams: number;
  readonly posts: number;
  /** How often each HTTP status came; 0 for webhooks that had no answer. */
  readonly statuses: ReadonlyMap<number, number>;
  /** Longest time until a webhook was answered, or its connection broke, in milliseconds. */
  readonly longestPostMs: number;
  readonly views: readonly LogView[];
  /** Sampled messages of which the gateways tell different things. */
  readonly differing: readonly string[];
  readonly crashes: number;
}

/** Asks all gateways for what they have, and checks everything. */
export async function judgeEvents(history: EventsHistory): Promise<EventsOutcome> {
  const { gateways, types, messages, posts, streams, sessions, deliveries, crashes } = history;
  const logs = await Promise.all(gateways.map((gateway) => listLog(gateway, types)));
  const views = await Promise.all(gateways.map(viewLog));
  const [log = []] = logs;
  const head = views[0]?.head ?? 0;
  return {
    violations: [
      ...checkReportOrder(log, messages),
      ...checkWatch({ posts, streams, log, removedTo: 0, head, mayHaveGaps: true }),
      ...checkSubscription({
        maxAttempts: MAX_ATTEMPTS,
        from: 0,
        matches: () => true,
        sessions: sessions.map(asSeenByService),
        redrives: [],
        log,
        end: { settledTo: await settledTo(history), dead: [] },
      }),
      ...checkProgress(sessions),
      ...logs.slice(1).flatMap((other) => differences(log, other)),
    ],
    events: log.length,
    gaps: head - log.length,
    deliveries,
    sessions: sessions.length,
    ends: countsOf(history.ends),
    streams: streams.length,
    posts: posts.length,
    statuses: countsOf(posts.map(({ status }) => status ?? 0)),
    longestPostMs: Math.max(...posts.map(({ sentAt, endedAt }) => endedAt - sentAt)),
    views,
    differing: await differingMessages(gateways, sampleOf(log)),
    crashes,
  };
}

/** Position to which the subscription has settled everything. */
async function settledTo({ gateways, subscription: name }: EventsHistory): Promise<number> {
  const answer = await gateways[0]?.events.getSubscription({ name });
  return positionOf(answer?.subscription?.status?.cursor ?? "");
}

function countsOf<T>(values: readonly T[]): ReadonlyMap<T, number> {
  return new Map([...Map.groupBy(values, (value) => value)].map(([value, all]) => [value, all.length]));
}

/**
 * Whether a consumer that broke off, because its gateway hung, is counted a failure depends on who owned the
 * subscription when the gateway went on: so it is one of an incarnation of its own, which may have come to it or not.
 * Its progress is checked apart.
 */
function asSeenByService(session: FleetSession, index: number): FleetSession {
  if (session.how !== "dropped") return session;
  return {
    ...session,
    incarnation: index + 1,
    steps: session.steps.filter(({ kind }) => kind !== "progress"),
  };
}

function sampleOf(log: readonly LoggedEvent[]): string[] {
  const keys = [...new Set(log.map(({ key }) => key))];
  const every = Math.max(1, Math.floor(keys.length / SAMPLE));
  return keys.filter((_, index) => index % every === 0);
}

function differences(log: readonly LoggedEvent[], other: readonly LoggedEvent[]): Violation[] {
  const index = log.findIndex(
    ({ sequence, id }, at) => other[at]?.sequence !== sequence || other[at]?.id !== id,
  );
  if (index === -1 && log.length === other.length) return [];
  return [{ rule: "Replicas", text: `the gateways' logs differ from event ${index + 1} on` }];
}
