import type { CallOptions } from "@connectrpc/connect";
import { StartPosition } from "../../gen/infobip/events/v1/positions_pb.js";
import { seededRandom } from "../../src/simulator/seeded-random.ts";
import { connectEvents, type EventsClient } from "../crash/events-client.ts";
import { HistoryClock } from "../crash/history-clock.ts";
import { positionOf } from "../crash/position.ts";
import { Turnstile } from "../crash/turnstile.ts";
import { checkSubscription } from "../history/check-subscription.ts";
import { checkWatch } from "../history/check-watch.ts";
import type { Violation } from "../history/violation.ts";
import { checkProgress, type FleetSession } from "./check-progress.ts";
import { checkReportOrder } from "./check-report-order.ts";
import { ClientPause } from "./client-pause.ts";
import { FleetClients } from "./fleet-clients.ts";
import { FleetConsumer } from "./fleet-consumer.ts";
import { FleetMembers, type FleetPlan } from "./fleet-members.ts";
import { FleetWatcher } from "./fleet-watcher.ts";
import { differingMessages, type LogView, listLog, viewLog } from "./gateway-view.ts";
import { IntakeLoad } from "./intake-load.ts";
import { JointWork } from "./joint-work.ts";
import { STEPS } from "./report-lane.ts";
import { SUBSCRIPTION_ID } from "./unit-names.ts";

const NAME = `subscriptions/${SUBSCRIPTION_ID}`;
const MAX_OUTSTANDING = 500;
/** Reports that may be taken and not delivered: keeps webhooks going for as long as there are consumers at work. */
const MAX_AHEAD = 20_000;
/** Messages that are looked at one by one in the end. */
const SAMPLE = 100;

/** What is done with a fleet. */
export interface EventsRunPlan extends FleetPlan {
  readonly intakes: readonly string[];
  readonly gateways: readonly string[];
  readonly consumersPerGateway: number;
  readonly messages: number;
  readonly seed: number;
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

/** A fleet under load: webhooks come in, consumers share one subscription, and a watcher reads at each gateway. */
export class EventsRun implements AsyncDisposable {
  readonly fleet: FleetMembers;
  readonly #plan: EventsRunPlan;
  readonly #clock = new HistoryClock();
  readonly #turnstile = new Turnstile();
  readonly #load: IntakeLoad;
  readonly #clients: FleetClients<EventsClient>;
  readonly #watchers: readonly FleetWatcher[];
  readonly #consumers: readonly FleetConsumer[];
  #taken = 0;
  #delivered = 0;

  private constructor(plan: EventsRunPlan, fleet: FleetMembers) {
    this.#plan = plan;
    this.fleet = fleet;
    this.#clients = new FleetClients(fleet, connectEvents);
    const clock = this.#clock;
    const { gateways, consumersPerGateway } = plan;
    const from = (index: number) => [...gateways.slice(index), ...gateways.slice(0, index)];
    this.#load = this.#newLoad();
    this.#watchers = gateways.map(
      (reader, index) => new FleetWatcher({ reader, fleet, gateways: from(index), clock }),
    );
    this.#consumers = Array.from(
      { length: gateways.length * consumersPerGateway },
      (_, index) =>
        new FleetConsumer({
          name: `consumer ${index}`,
          subscription: NAME,
          maxOutstanding: MAX_OUTSTANDING,
          fleet,
          gateways: from(index % gateways.length),
          clock,
          onDelivered: (events) => this.#onDelivered(events),
        }),
    );
  }

  static async start(plan: EventsRunPlan): Promise<EventsRun> {
    return new EventsRun(plan, await FleetMembers.start(plan));
  }

  /** Share of the reports that were taken, from 0 to 1. */
  get progress(): number {
    return this.#taken / (this.#plan.messages * STEPS);
  }

  /** Share of the reports that were delivered; repeated deliveries count, so it can pass 1. */
  get delivered(): number {
    return this.#delivered / (this.#plan.messages * STEPS);
  }

  /** Resolves when a share of the reports was taken. */
  async untilTaken(share: number, signal: AbortSignal): Promise<void> {
    await this.#turnstile.until(() => this.progress >= share, signal);
    signal.throwIfAborted();
  }

  /** Resolves when all reports were taken, delivered and acknowledged, and checks everything that was seen. `disturb` runs meanwhile; its signal aborts when something has failed. */
  async run(disturb: (signal: AbortSignal) => Promise<void>, limit: AbortSignal): Promise<EventsOutcome> {
    await this.#create(limit);
    const done = new AbortController();
    const work = new JointWork(limit);
    const { signal } = work;
    const consumed = work.add(
      Promise.all(this.#consumers.map((one) => one.run(AbortSignal.any([done.signal, signal])))),
    );
    const watched = work.add(Promise.all(this.#watchers.map((watcher) => watcher.run(signal))));
    try {
      await Promise.all([work.add(this.#load.run(signal)), work.add(disturb(signal))]);
      const head = await this.#untilSettled(signal);
      for (const watcher of this.#watchers) watcher.endAt(head);
      done.abort();
      await Promise.all([consumed, watched]);
    } finally {
      work.end();
      await Promise.allSettled([consumed, watched]);
    }
    return await this.#judge();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#clients[Symbol.dispose]();
    await this.fleet[Symbol.asyncDispose]();
  }

  #newLoad(): IntakeLoad {
    const { intakes, messages, seed } = this.#plan;
    return new IntakeLoad({
      fleet: this.fleet,
      intakes,
      messages,
      clock: this.#clock,
      random: seededRandom(seed),
      onTaken: (reports) => {
        this.#taken += reports;
        this.#turnstile.changed();
      },
      pace: (signal) => this.#turnstile.until(() => this.#taken - this.#delivered < MAX_AHEAD, signal),
    });
  }

  #onDelivered(events: number): void {
    this.#delivered += events;
    this.#turnstile.changed();
  }

  async #create(signal: AbortSignal): Promise<void> {
    const request = {
      subscription: { name: NAME, maxInFlight: 10_000 },
      from: { case: "start", value: StartPosition.EARLIEST },
    } as const;
    await this.#ask(signal, ({ events }, options) => events.createSubscription(request, options));
  }

  /** Resolves with the head of the log once the subscription has settled everything. */
  async #untilSettled(signal: AbortSignal): Promise<number> {
    const pause = new ClientPause();
    for (;;) {
      signal.throwIfAborted();
      const { subscription } = await this.#ask(signal, ({ events }, options) =>
        events.getSubscription({ name: NAME }, options),
      );
      const head = positionOf(subscription?.status?.headCursor ?? "");
      if (subscription?.status?.lagEvents === 0n && head > 0) return head;
      await pause.wait(signal);
    }
  }

  /** Calls any gateway until one answers. */
  #ask<T>(signal: AbortSignal, call: (client: EventsClient, options: CallOptions) => Promise<T>): Promise<T> {
    return this.#clients.call(this.#plan.gateways, signal, call);
  }

  async #judge(): Promise<EventsOutcome> {
    using clients = new DisposableStack();
    const gateways = this.#plan.gateways.map((name) =>
      clients.use(connectEvents(this.fleet.member(name).addresses?.grpc ?? "")),
    );
    const logs = await Promise.all(gateways.map(listLog));
    const views = await Promise.all(gateways.map(viewLog));
    const [log = []] = logs;
    const { posts } = this.#load;
    const head = views[0]?.head ?? 0;
    const streams = this.#watchers.flatMap((watcher) => watcher.streams);
    const sessions = this.#consumers.flatMap((consumer) => consumer.sessions);
    const { subscription } = (await gateways[0]?.events.getSubscription({ name: NAME })) ?? {};
    return {
      violations: [
        ...checkReportOrder(log, this.#plan.messages),
        ...checkWatch({ posts, streams, log, removedTo: 0, head, mayHaveGaps: true }),
        ...checkSubscription({
          maxAttempts: 10,
          from: 0,
          matches: () => true,
          sessions: sessions.map(asSeenByService),
          redrives: [],
          log,
          end: { settledTo: positionOf(subscription?.status?.cursor ?? ""), dead: [] },
        }),
        ...checkProgress(sessions),
        ...logs.slice(1).flatMap((other) => differences(log, other)),
      ],
      events: log.length,
      gaps: head - log.length,
      deliveries: this.#delivered,
      sessions: sessions.length,
      ends: sumOf(this.#consumers.map(({ ends }) => ends)),
      streams: streams.length,
      posts: posts.length,
      statuses: new Map(
        [...Map.groupBy(posts, ({ status }) => status ?? 0)].map(([status, all]) => [status, all.length]),
      ),
      longestPostMs: Math.max(...posts.map(({ sentAt, endedAt }) => endedAt - sentAt)),
      views,
      differing: await differingMessages(gateways, sampleOf(log)),
      crashes: this.fleet.crashes,
    };
  }
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

function sumOf(counts: readonly ReadonlyMap<string, number>[]): ReadonlyMap<string, number> {
  const sum = new Map<string, number>();
  for (const [what, count] of counts.flatMap((one) => [...one])) sum.set(what, (sum.get(what) ?? 0) + count);
  return sum;
}

function sampleOf(log: readonly { readonly key: string }[]): string[] {
  const keys = [...new Set(log.map(({ key }) => key))];
  const every = Math.max(1, Math.floor(keys.length / SAMPLE));
  return keys.filter((_, index) => index % every === 0);
}

function differences(
  log: readonly { readonly sequence: number; readonly id: string }[],
  other: readonly { readonly sequence: number; readonly id: string }[],
): Violation[] {
  const index = log.findIndex(
    ({ sequence, id }, at) => other[at]?.sequence !== sequence || other[at]?.id !== id,
  );
  if (index === -1 && log.length === other.length) return [];
  return [{ rule: "Replicas", text: `the gateways' logs differ from event ${index + 1} on` }];
}
