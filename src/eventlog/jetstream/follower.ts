import type { NatsLink } from "../../nats/nats-link.ts";
import type { StreamState } from "../../nats/stream-layout.ts";
import type { ClockTimer } from "../../timer.ts";
import { HeadWaiters } from "../embedded/head-waiters.ts";
import type { ReplicaLog } from "../replica-log.ts";
import { hasMessageFrom } from "./kept-message.ts";
import { ConsumerEnded, StreamConsumer } from "./stream-consumer.ts";
import { StreamIntake } from "./stream-intake.ts";
import type { StreamWatch } from "./stream-watch.ts";
import { findDivergence } from "./tail-check.ts";

/** Longest that {@link Follower.reach} waits, in milliseconds. */
export const REACH_TIMEOUT_MS = 1_000;
/** Wait before following is tried again, in milliseconds; doubles with each failure. */
const FIRST_RETRY_MS = 100;
/** Longest of these waits, in milliseconds. */
const MAX_RETRY_MS = 5_000;

/** How far a process has followed the event stream. Cheap: for metrics and probes. */
export interface FollowerState {
  /** Whether it has had everything that was in the stream when it began. */
  readonly isCaughtUp: boolean;
  /** Whether it is being given what comes. */
  readonly isFollowing: boolean;
  /** Sequence up to which the replica has the stream. */
  readonly position: number;
  /** Messages of the stream that the replica does not have, as far as is known. */
  readonly lag: number;
  /** Messages that were no events and were passed over, since the start. */
  readonly skipped: number;
}

/** What a {@link Follower} works with. */
export interface FollowerParts {
  readonly link: NatsLink;
  readonly stream: string;
  readonly replica: ReplicaLog;
  readonly watch: StreamWatch;
  readonly timer: ClockTimer;
  /** Sequence at which it has caught up. */
  readonly target: number;
  /** Messages were passed over; told once a minute at most. `total`: since the start. */
  readonly onSkipped: (total: number) => void;
  /** Following has stopped working; told once until it works again. */
  readonly onTrouble: (error: Error) => void;
  readonly onRecovered: () => void;
  /** The replica is no copy of the stream any more; called once, and nothing is followed from then on. */
  readonly onDiverged: (error: Error) => void;
}

/**
 * Writes what comes into the event stream into the replica, in order and
 * without gaps, for as long as it is open. Whatever happens to the consumer,
 * the server or the connection, it goes on after the last message that the
 * replica has.
 */
export class Follower implements AsyncDisposable {
  readonly #parts: FollowerParts;
  readonly #intake: StreamIntake;
  readonly #waiters = new HeadWaiters();
  readonly #stopped = new AbortController();
  readonly #caughtUp = Promise.withResolvers<void>();
  readonly #running: Promise<void>;
  #consumer: StreamConsumer | undefined;
  #isCaughtUp = false;
  #isDiverged = false;
  #inTrouble = false;
  #retryMs = FIRST_RETRY_MS;
  #stuckAt: number | undefined;
  #trimming: Promise<void> | undefined;
  #wakeRetry: () => void = () => {};

  constructor(parts: FollowerParts) {
    this.#parts = parts;
    const { link, stream, replica, watch, timer, onSkipped } = parts;
    const onMoved = (): void => this.#moved();
    this.#intake = new StreamIntake({ link, stream, replica, watch, timer, onSkipped, onMoved });
    this.#running = this.#run();
  }

  /** Resolves when the replica has everything that was in the stream at the start; stays open when that never happens. */
  get caughtUp(): Promise<void> {
    return this.#caughtUp.promise;
  }

  state(): FollowerState {
    const { replica, watch } = this.#parts;
    const { position } = replica;
    const last = Math.max(watch.state.lastSequence, this.#consumer?.knownLast ?? 0);
    return {
      isCaughtUp: this.#isCaughtUp,
      isFollowing: this.#isFollowing,
      position,
      lag: Math.max(0, last - position),
      skipped: this.#intake.skipped,
    };
  }

  /**
   * Resolves once the replica has the stream up to a sequence; at once when nothing is followed now, and after a
   * second at the latest. Says whether it has.
   */
  async reach(sequence: number): Promise<boolean> {
    const { replica, timer } = this.#parts;
    if (replica.position >= sequence) return true;
    if (!this.#isFollowing || !this.#isCaughtUp) return false;
    const late = new AbortController();
    const callOff = timer.schedule(REACH_TIMEOUT_MS, () => late.abort());
    await this.#waiters.wait(sequence - 1, late.signal);
    callOff();
    return replica.position >= sequence;
  }

  /** Takes in what the stream looks like: removes what it has removed, and sees whether anything comes from the consumer. */
  seen(state: StreamState): void {
    this.#trim(state.firstSequence - 1);
    const { position } = this.#parts.replica;
    const isStuck = position < state.lastSequence && position === this.#stuckAt && !this.#intake.isBusy;
    this.#stuckAt = position < state.lastSequence ? position : undefined;
    if (isStuck) this.#consumer?.end("the consumer delivers nothing though there is more in the stream");
  }

  /** Resolves when no removal is in progress. */
  async trimmed(): Promise<void> {
    await this.#trimming;
  }

  /** Does not wait any longer to follow again. */
  wake(): void {
    this.#wakeRetry();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped.abort();
    this.#consumer?.end("the event log is closed");
    this.#wakeRetry();
    this.#waiters.wake(Number.POSITIVE_INFINITY);
    await this.#running;
    await this.#trimming;
  }

  get #isFollowing(): boolean {
    return this.#consumer !== undefined && !this.#consumer.isEnded && !this.#stopped.signal.aborted;
  }

  get #isOver(): boolean {
    return this.#stopped.signal.aborted || this.#isDiverged;
  }

  async #run(): Promise<void> {
    while (!this.#isOver) {
      try {
        await this.#follow();
      } catch (error) {
        if (this.#isOver) return;
        this.#failed(error instanceof Error ? error : new Error(String(error)));
        await this.#pause();
      }
    }
  }

  async #follow(): Promise<void> {
    const { link, stream, replica, watch, timer } = this.#parts;
    const state = await watch.look();
    const divergence = await findDivergence({ link, stream, state }, replica, this.#intake.last);
    if (divergence !== undefined) {
      this.#diverged(divergence);
      return;
    }
    using consumer = await StreamConsumer.open({ link, stream, from: replica.position + 1, timer });
    await this.#passRemoved(consumer, state.lastSequence);
    this.#consumer = consumer;
    this.#moved();
    if (this.#isOver) return;
    // With nothing to take there is nothing more to show; else it works once the replica has taken something.
    if (replica.position >= state.lastSequence) this.#works();
    for (;;) {
      const messages = await consumer.next();
      await this.#intake.take(messages);
      await this.#passRemoved(consumer, state.lastSequence);
      this.#works();
    }
  }

  /** Moves on to where the stream ended when the consumer was opened, when nothing is there any more: it was removed one by one. */
  async #passRemoved(consumer: StreamConsumer, lastSequence: number): Promise<void> {
    const { link, stream, replica } = this.#parts;
    if (replica.position >= lastSequence || consumer.pending > 0) return;
    if (!(await hasMessageFrom(link, stream, replica.position + 1))) await this.#intake.pass(lastSequence);
  }

  #works(): void {
    this.#retryMs = FIRST_RETRY_MS;
    if (!this.#inTrouble) return;
    this.#inTrouble = false;
    this.#parts.onRecovered();
  }

  #failed(error: Error): void {
    // A consumer that ends is part of a day's work; only one that cannot be had again is trouble.
    if (error instanceof ConsumerEnded || this.#inTrouble) return;
    this.#inTrouble = true;
    this.#parts.onTrouble(error);
  }

  #diverged(reason: string): void {
    this.#isDiverged = true;
    const advice = "it has lost messages; restart the service, which then fetches the log again";
    this.#parts.onDiverged(new Error(`${reason}: ${advice}`));
  }

  async #pause(): Promise<void> {
    const over = Promise.withResolvers<void>();
    this.#wakeRetry = over.resolve;
    const callOff = this.#parts.timer.schedule(this.#retryMs, over.resolve);
    this.#retryMs = Math.min(this.#retryMs * 2, MAX_RETRY_MS);
    if (this.#stopped.signal.aborted) over.resolve();
    await over.promise;
    callOff();
  }

  #moved(): void {
    const { position } = this.#parts.replica;
    this.#waiters.wake(position);
    // Without a consumer it may have everything, and yet it does not get what comes next.
    if (this.#isCaughtUp || this.#consumer === undefined || position < this.#parts.target) return;
    this.#isCaughtUp = true;
    this.#caughtUp.resolve();
  }

  /** Removes from the replica what the stream has removed, up to where the replica is; one removal at a time. */
  #trim(through: number): void {
    const { replica } = this.#parts;
    const target = Math.min(through, replica.position);
    if (this.#trimming !== undefined || this.#isOver || target <= replica.bounds().earliest) return;
    this.#trimming = replica.removeThrough(target).then(
      () => {
        this.#trimming = undefined;
      },
      (error: Error) => {
        this.#trimming = undefined;
        this.#failed(error);
      },
    );
  }
}
