import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Client, Code, ConnectError } from "@connectrpc/connect";
import type { EventsService } from "../../gen/infobip/events/v1/events_service_pb.js";
import { StartPosition } from "../../gen/infobip/events/v1/positions_pb.js";
import { seededRandom } from "../../src/simulator/seeded-random.ts";
import { checkSubscription } from "../history/check-subscription.ts";
import { checkWatch } from "../history/check-watch.ts";
import type { Violation } from "../history/violation.ts";
import type { LoggedEvent } from "../history/watch-history.ts";
import { Consumer } from "./consumer.ts";
import { CrashChild } from "./crash-child.ts";
import { connectEvents, type EventsClient } from "./events-client.ts";
import { HistoryClock } from "./history-clock.ts";
import { type KillPlan, nameOf } from "./kill-plan.ts";
import { positionOf } from "./position.ts";
import { listDeadLetters, Redriver } from "./redriver.ts";
import { destinationOf, goesTo } from "./reported-item.ts";
import { Reporter } from "./reporter.ts";
import { Turnstile } from "./turnstile.ts";
import { Watcher } from "./watcher.ts";

const SECRET = "a-secret-of-the-crash-rounds";
const NAME = "subscriptions/work";
const MAX_ATTEMPTS = 3;
/** What the subscription and one of the watchers are interested in. */
const SUBSCRIBED = ["a", "b"];
const WATCHED = ["b"];
/** Items that may be reported and not delivered for the first time: keeps reporters at the pace of consumers. */
const MAX_AHEAD = 40;
/** How long the last incarnation may take to settle everything, in milliseconds. */
const FINISH_LIMIT_MS = 60_000;

/** What is left when everything has happened. */
export interface CrashOutcome {
  readonly violations: readonly Violation[];
  /** Items that were reported. */
  readonly items: number;
  /** Events that the log has ever held: their sequences have no gaps. */
  readonly events: number;
  readonly removedTo: number;
  /** How often the service died at each point. */
  readonly deaths: ReadonlyMap<string, number>;
  readonly deliveries: number;
  readonly redriven: number;
}

/** A service that is killed again and again, with everyone attached that it serves. */
export class CrashRun implements AsyncDisposable {
  readonly #directory: string;
  readonly #retentionAgeMs: number | undefined;
  readonly #clock = new HistoryClock();
  readonly #turnstile = new Turnstile();
  readonly #random: () => number;
  readonly #reporter: Reporter;
  readonly #watchers: readonly Watcher[];
  readonly #consumers: readonly Consumer[];
  readonly #redriver: Redriver;
  readonly #deaths = new Map<string, number>();
  readonly #taken = new Set<string>();
  readonly #delivered = new Set<string>();
  #mayBeDead = 0;
  #incarnation = 0;
  #child: CrashChild | undefined;
  #plan: KillPlan | undefined;
  #occasions = 0;

  private constructor(directory: string, seed: number, retentionAgeMs: number | undefined) {
    this.#directory = directory;
    this.#retentionAgeMs = retentionAgeMs;
    const random = seededRandom(seed);
    const clock = this.#clock;
    this.#random = random;
    this.#reporter = new Reporter({
      secret: SECRET,
      clock,
      random,
      onTaken: (items) => this.#onTaken(items),
    });
    const watcher = (reader: string, destinations: string[]) =>
      new Watcher({ reader, destinations, clock, random });
    this.#watchers = [watcher("all", []), watcher("some", WATCHED)];
    this.#redriver = new Redriver({
      subscription: NAME,
      clock,
      mayBeDead: async (dead) => {
        await this.#turnstile.until(() => this.#mayBeDead > 0, dead);
        this.#mayBeDead = 0;
      },
    });
    this.#consumers = ["one", "two", "three"].map((name) => this.#newConsumer(name));
  }

  static async start(seed: number, retentionAgeMs?: number): Promise<CrashRun> {
    return new CrashRun(await mkdtemp(join(tmpdir(), "infobip-rpc-crash-")), seed, retentionAgeMs);
  }

  /** Starts the service and lets it die by plan. */
  async round(plan: KillPlan): Promise<void> {
    this.#plan = plan;
    this.#occasions = 0;
    const child = await this.#open(plan, this.#retentionAgeMs);
    if (child !== undefined) {
      await this.#attach(child);
      if (!child.wasKilled) throw new Error("the service ended by itself");
    }
    this.#deaths.set(nameOf(plan), (this.#deaths.get(nameOf(plan)) ?? 0) + 1);
  }

  /** Lets the service come to an end with all its work, and checks everything that was seen. */
  async finish(): Promise<CrashOutcome> {
    this.#plan = undefined;
    const child = await this.#open(undefined, undefined);
    if (child === undefined) throw new Error("the service died without a plan");
    using client = connectEvents(child.grpc);
    const limit = AbortSignal.timeout(FINISH_LIMIT_MS);
    const done = new AbortController();
    await this.#reporter.run(child, this.#incarnation, () => Promise.resolve(), true);
    const head = positionOf((await client.events.getEventLog({})).headCursor);
    const consumed = Promise.all(
      this.#consumers.map((one) => one.run(child, this.#incarnation, done.signal, true)),
    );
    await this.#untilSettled(client, head, limit);
    done.abort();
    await consumed;
    await Promise.all(this.#watchers.map((watcher) => watcher.run(child, this.#incarnation, head)));
    return await this.#judge(client, head);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#child?.kill();
    await rm(this.#directory, { recursive: true, force: true });
  }

  #newConsumer(name: string): Consumer {
    return new Consumer({
      name,
      subscription: NAME,
      clock: this.#clock,
      random: this.#random,
      isRedriven: (sequence) => this.#redriver.has(sequence),
      onDelivered: (item, attempt) => this.#onDelivered(item, attempt),
      onResult: () => this.#occasion("result"),
    });
  }

  #onTaken(items: readonly string[]): void {
    for (const item of items) if (SUBSCRIBED.includes(destinationOf(item))) this.#taken.add(item);
    this.#occasion("200");
  }

  #onDelivered(item: string, attempt: number): void {
    this.#delivered.add(item);
    if (attempt === MAX_ATTEMPTS) this.#mayBeDead++;
    this.#turnstile.changed();
  }

  /** Something has happened after which a client may kill the service. */
  #occasion(after: "200" | "result"): void {
    this.#turnstile.changed();
    if (this.#plan?.by !== "client" || this.#plan.after !== after) return;
    if (++this.#occasions === this.#plan.nth) void this.#child?.kill();
  }

  async #open(
    plan: KillPlan | undefined,
    retentionAgeMs: number | undefined,
  ): Promise<CrashChild | undefined> {
    await this.#child?.kill();
    this.#incarnation++;
    this.#child = await CrashChild.start({
      dataDir: join(this.#directory, "data"),
      cacheDir: join(this.#directory, "cache"),
      secret: SECRET,
      plan,
      retentionAgeMs,
    });
    return this.#child;
  }

  async #attach(child: CrashChild): Promise<void> {
    const number = this.#incarnation;
    const { signal: never } = new AbortController();
    if (!(await createSubscription(child))) return;
    const pace = () =>
      this.#turnstile.until(() => this.#taken.size - this.#delivered.size < MAX_AHEAD, child.dead);
    await Promise.all([
      this.#reporter.run(child, number, pace, false),
      this.#reporter.run(child, number, pace, false),
      ...this.#watchers.map((watcher) => watcher.run(child, number)),
      ...this.#consumers.map((consumer) => consumer.run(child, number, never, false)),
      this.#redriver.run(child),
    ]);
  }

  async #untilSettled({ events }: EventsClient, head: number, limit: AbortSignal): Promise<void> {
    for (;;) {
      limit.throwIfAborted();
      const { subscription } = await events.getSubscription({ name: NAME });
      const status = subscription?.status;
      if (status === undefined || positionOf(status.cursor) < head) continue;
      if (status.lagEvents === 0n && status.inFlight === 0 && status.waiting === 0) return;
    }
  }

  async #judge({ events }: EventsClient, head: number): Promise<CrashOutcome> {
    const { earliestCursor } = await events.getEventLog({});
    const removedTo = positionOf(earliestCursor);
    const log = await listEvents(events);
    const { subscription } = await events.getSubscription({ name: NAME });
    const dead = (await listDeadLetters(events, NAME)).filter(({ redriven }) => !redriven);
    const sessions = this.#consumers.flatMap((consumer) => consumer.sessions);
    const streams = this.#watchers.flatMap((watcher) => watcher.streams);
    const { posts } = this.#reporter;
    const violations = [
      ...checkWatch({ posts, streams, log, removedTo, head }),
      ...checkSubscription({
        maxAttempts: MAX_ATTEMPTS,
        from: 0,
        matches: goesTo(SUBSCRIBED),
        sessions: sessions.toSorted((a, b) => a.incarnation - b.incarnation),
        redrives: this.#redriver.redrives,
        log,
        end: {
          settledTo: positionOf(subscription?.status?.cursor ?? ""),
          dead: dead.map(({ event, attempts }) => ({ sequence: Number(event?.sequence), attempts })),
        },
      }),
    ];
    return {
      violations,
      items: new Set(posts.flatMap(({ items }) => items)).size,
      events: head,
      removedTo,
      deaths: this.#deaths,
      deliveries: sessions.reduce(
        (sum, { steps }) => sum + steps.filter(({ kind }) => kind === "delivered").length,
        0,
      ),
      redriven: this.#redriver.redrives.reduce((sum, { sequences }) => sum + sequences.length, 0),
    };
  }
}

/** Creates the subscription unless it is there; false when the service has died meanwhile. */
async function createSubscription(child: CrashChild): Promise<boolean> {
  using client = connectEvents(child.grpc);
  try {
    await client.events.createSubscription({
      subscription: {
        name: NAME,
        filter: { destinations: SUBSCRIBED },
        maxAttempts: MAX_ATTEMPTS,
        maxInFlight: 20,
        minBackoff: { seconds: 0n, nanos: 0 },
        maxBackoff: { seconds: 0n, nanos: 0 },
      },
      from: { case: "start", value: StartPosition.EARLIEST },
    });
  } catch (error) {
    if (ConnectError.from(error).code === Code.AlreadyExists) return true;
    await child.mustBeDead(error);
    return false;
  }
  return true;
}

async function listEvents(events: Client<typeof EventsService>): Promise<LoggedEvent[]> {
  const log: LoggedEvent[] = [];
  let pageToken = "";
  do {
    const page = await events.listEvents({ pageToken, pageSize: 1_000 });
    for (const { sequence, id, messageId, callbackData } of page.events)
      log.push({ sequence: Number(sequence), id, key: messageId ?? "", item: callbackData ?? "" });
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
  return log;
}
