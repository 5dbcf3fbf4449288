import type { CallOptions } from "@connectrpc/connect";
import type { EventType } from "../../gen/infobip/events/v1/event_pb.js";
import { StartPosition } from "../../gen/infobip/events/v1/positions_pb.js";
import { seededRandom } from "../../src/simulator/seeded-random.ts";
import { connectEvents, type EventsClient } from "../crash/events-client.ts";
import { HistoryClock } from "../crash/history-clock.ts";
import { positionOf } from "../crash/position.ts";
import { Turnstile } from "../crash/turnstile.ts";
import { ClientPause } from "./client-pause.ts";
import { type EventsOutcome, judgeEvents } from "./events-outcome.ts";
import { FleetClients } from "./fleet-clients.ts";
import { FleetConsumer } from "./fleet-consumer.ts";
import { FleetMembers, type FleetPlan } from "./fleet-members.ts";
import { FleetWatcher } from "./fleet-watcher.ts";
import { IntakeLoad } from "./intake-load.ts";
import { JointWork } from "./joint-work.ts";
import { STEPS } from "./report-lane.ts";
import { SUBSCRIPTION_ID } from "./unit-names.ts";

const NAME = `subscriptions/${SUBSCRIPTION_ID}`;
const MAX_OUTSTANDING = 500;
/** Reports that may be taken and not delivered: keeps webhooks going for as long as there are consumers at work. */
const MAX_AHEAD = 20_000;

/** What is done with a fleet. */
export interface EventsRunPlan extends FleetPlan {
  readonly intakes: readonly string[];
  readonly gateways: readonly string[];
  readonly consumersPerGateway: number;
  readonly messages: number;
  readonly seed: number;
  /** Types of events that clients ask for, where others come as well. Default: all. */
  readonly types?: readonly EventType[];
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
      (reader, index) =>
        new FleetWatcher({ reader, fleet, gateways: from(index), clock, types: this.#types }),
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

  get #types(): readonly EventType[] {
    return this.#plan.types ?? [];
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
      subscription: { name: NAME, filter: { types: [...this.#types] }, maxInFlight: 10_000 },
      from: { case: "start" as const, value: StartPosition.EARLIEST },
    };
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
    return await judgeEvents({
      gateways,
      subscription: NAME,
      types: this.#types,
      messages: this.#plan.messages,
      posts: this.#load.posts,
      streams: this.#watchers.flatMap(({ streams }) => streams),
      sessions: this.#consumers.flatMap(({ sessions }) => sessions),
      ends: this.#consumers.flatMap(({ ends }) => ends),
      deliveries: this.#delivered,
      crashes: this.fleet.crashes,
    });
  }
}
