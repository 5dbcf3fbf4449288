import { Code } from "@connectrpc/connect";
import { ServiceError } from "../../errors.ts";
import type { NatsLink } from "../../nats/nats-link.ts";
import type { StreamState } from "../../nats/stream-layout.ts";
import type { ClockTimer } from "../../timer.ts";
import { cursorExpired } from "../cursor.ts";
import { HeadWaiters } from "../embedded/head-waiters.ts";
import { logUnavailable } from "../embedded/log-errors.ts";
import { WriteTrouble } from "../embedded/write-trouble.ts";
import type {
  AppendResult,
  EventLog,
  EventRecord,
  LogBounds,
  LogHealth,
  LogStats,
  NewEvent,
  ReadOptions,
  ReadResult,
  RetentionLimits,
} from "../event-log.ts";
import type { ReplicaLog } from "../replica-log.ts";
import type { Follower, FollowerState } from "./follower.ts";
import type { JetStreamAppender } from "./jetstream-appender.ts";
import { LagClock } from "./lag-clock.ts";
import type { StreamWatch } from "./stream-watch.ts";

/** An event log in a JetStream stream: what the port says, and what only this engine has. */
export interface JetStreamLog extends EventLog {
  /** Resolves with the reason when the log can no longer be used in this process; it must be opened again. */
  readonly failed: Promise<Error>;
  /** Undefined in a process without a replica. */
  readonly follower: FollowerState | undefined;
  /** Resolves when the replica has all that was in the stream at the start; at once in a process without a replica. */
  readonly caughtUp: Promise<void>;
  /** As {@link EventLog.append}, with the events' own record times, Unix milliseconds, one for each: for imports. */
  appendAt(events: readonly NewEvent[], recordTimesMs: readonly number[]): Promise<AppendResult>;
  /**
   * Whether events can be stored and read, as far as is known now. Not ok without a connection; after an append
   * that failed, until one succeeds or the log's own try, every 5 s; while the stream cannot be seen; until the
   * replica has caught up, and while it is more than half a minute behind; and for good once {@link failed} has resolved.
   */
  health(): LogHealth;
  /** As {@link JetStreamLog.health}, of storing only: how far the replica has come does not matter. */
  appendHealth(): LogHealth;
  reach(sequence: number): Promise<boolean>;
  /** Looks at the stream now, and removes from the replica what the stream has removed; this is done every 5 s anyway. */
  refresh(): Promise<void>;
}

/** What a {@link StreamLog} is made of; it closes them. */
export interface StreamLogParts {
  readonly id: string;
  readonly link: NatsLink;
  readonly appender: JetStreamAppender;
  readonly retention: RetentionLimits;
  readonly timer: ClockTimer;
  /** Appends have begun to fail. */
  readonly onTrouble: (error: Error) => void;
  /** Appends work again. */
  readonly onRecovered: () => void;
  readonly createWatch: (calls: Pick<StreamLogCalls, "onState" | "onForeign">) => StreamWatch;
  /** Undefined in a process that does not read. */
  readonly reading: StreamReading | undefined;
}

/** How a process reads the log. */
export interface StreamReading {
  readonly replica: ReplicaLog;
  readonly createFollower: (watch: StreamWatch, calls: Pick<StreamLogCalls, "onDiverged">) => Follower;
}

interface StreamLogCalls {
  readonly onState: (state: StreamState) => void;
  readonly onForeign: (error: Error) => void;
  readonly onDiverged: (error: Error) => void;
}

/** See {@link JetStreamLog}. */
export class StreamLog implements JetStreamLog {
  readonly id: string;
  readonly #parts: StreamLogParts;
  readonly #watch: StreamWatch;
  readonly #follower: Follower | undefined;
  readonly #lag: LagClock;
  readonly #trouble: WriteTrouble;
  readonly #failed = Promise.withResolvers<Error>();
  readonly #callOff: () => void;
  /** Those who wait in a process without a replica: for its end. */
  readonly #waiters = new HeadWaiters();
  #failure: Error | undefined;
  #closed: Promise<void> | undefined;

  constructor(parts: StreamLogParts) {
    const { link, timer, onTrouble, onRecovered, reading } = parts;
    this.id = parts.id;
    this.#parts = parts;
    const attempt = (): void => this.#try();
    this.#trouble = new WriteTrouble({ timer, onTrouble, onRecovered, onFailure: () => {}, attempt });
    this.#lag = new LagClock(timer);
    const onFailure = (error: Error): void => this.#fail(error);
    this.#watch = parts.createWatch({
      onState: (state) => {
        this.#follower?.seen(state);
        if (reading !== undefined) this.#lag.see(state.lastSequence, reading.replica.position);
      },
      onForeign: onFailure,
    });
    this.#follower = reading?.createFollower(this.#watch, { onDiverged: onFailure });
    void reading?.replica.failed.then(onFailure);
    void link.failed.then(onFailure);
    this.#callOff = link.onReconnected(() => {
      this.#follower?.wake();
      this.#trouble.tryNow();
    });
  }

  get failed(): Promise<Error> {
    return this.#failed.promise;
  }

  get follower(): FollowerState | undefined {
    return this.#follower?.state();
  }

  get caughtUp(): Promise<void> {
    return this.#follower?.caughtUp ?? Promise.resolve();
  }

  append(events: readonly NewEvent[]): Promise<AppendResult> {
    return this.#append(events);
  }

  async appendAt(events: readonly NewEvent[], recordTimesMs: readonly number[]): Promise<AppendResult> {
    if (recordTimesMs.length !== events.length) throw new RangeError("not one record time for each event");
    return this.#append(events, recordTimesMs);
  }

  async reach(sequence: number): Promise<boolean> {
    if (this.#follower === undefined || (await this.#follower.reach(sequence))) return true;
    // A look that was in progress already may have seen the stream before the sequence was in it.
    return (await this.#endsBefore(sequence)) && (await this.#endsBefore(sequence));
  }

  async refresh(): Promise<void> {
    await this.#watch.look();
    await this.#follower?.trimmed();
  }

  health(): LogHealth {
    const reason = this.#problem();
    return reason === undefined ? { ok: true } : { ok: false, reason };
  }

  appendHealth(): LogHealth {
    const reason = this.#appendProblem();
    return reason === undefined ? { ok: true } : { ok: false, reason };
  }

  bounds(): LogBounds {
    const { head } = this.#requireReplica().bounds();
    const earliest = this.#earliest();
    return { earliest, head: Math.max(head, earliest) };
  }

  async stats(): Promise<LogStats> {
    const stats = await this.#requireReplica().stats();
    return { ...stats, retention: this.#parts.retention };
  }

  async read(after: number, options: ReadOptions): Promise<ReadResult> {
    const replica = this.#requireReplica();
    const earliest = this.#earliest();
    if (after < earliest) throw cursorExpired(this.id, earliest);
    return replica.read(after, options);
  }

  async readMessage(messageId: string, after: number, options: ReadOptions): Promise<ReadResult> {
    return this.#requireReplica().readMessage(messageId, after, options);
  }

  async statusOf(messageId: string): Promise<EventRecord | undefined> {
    return this.#requireReplica().statusOf(messageId);
  }

  async positionAtTime(timeMs: number): Promise<number> {
    return Math.max(await this.#requireReplica().positionAtTime(timeMs), this.#earliest());
  }

  async recordTimeAfter(after: number): Promise<number | undefined> {
    return this.#requireReplica().recordTimeAfter(after);
  }

  async waitPast(after: number, signal: AbortSignal): Promise<void> {
    if (this.#closed !== undefined) return;
    const { reading } = this.#parts;
    await (reading === undefined
      ? this.#waiters.wait(after, signal)
      : reading.replica.waitPast(after, signal));
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#callOff();
    this.#trouble.stop();
    this.#waiters.wake(Number.POSITIVE_INFINITY);
    await this.#parts.appender.idle();
    this.#watch.stop();
    await this.#follower?.[Symbol.asyncDispose]();
    await this.#parts.reading?.replica[Symbol.asyncDispose]();
  }

  async #append(events: readonly NewEvent[], recordTimesMs?: readonly number[]): Promise<AppendResult> {
    this.#requireOpen();
    if (events.length === 0) return { appended: 0, duplicates: 0 };
    if (this.#failure !== undefined) throw logUnavailable(this.#failure);
    try {
      const { appended, duplicates, lastSequence } = await this.#parts.appender.append(events, recordTimesMs);
      this.#trouble.worked();
      await this.#follower?.reach(lastSequence);
      return { appended, duplicates };
    } catch (error) {
      if (error instanceof ServiceError && error.reason === "LOG_UNAVAILABLE")
        this.#trouble.failed(causeOf(error), 0);
      throw error;
    }
  }

  /** Whether the stream certainly ends before a sequence. */
  async #endsBefore(sequence: number): Promise<boolean> {
    try {
      const { lastSequence } = await this.#watch.look();
      return lastSequence < sequence;
    } catch {
      return false;
    }
  }

  #try(): void {
    const ended = (error?: unknown): void =>
      this.#trouble.tried(error instanceof Error ? causeOf(error) : undefined);
    void this.#parts.appender.probe().then(() => ended(), ended);
  }

  #problem(): string | undefined {
    return this.#appendProblem() ?? this.#replicaProblem();
  }

  #appendProblem(): string | undefined {
    if (this.#closed !== undefined) return "the event log is closed";
    const { link } = this.#parts;
    const linkHealth = link.health();
    if (!linkHealth.ok) return linkHealth.reason ?? "not connected to NATS";
    const error = this.#failure ?? this.#trouble.error ?? this.#watch.problem;
    return error?.message;
  }

  #replicaProblem(): string | undefined {
    const { reading } = this.#parts;
    if (reading === undefined || this.#follower === undefined) return undefined;
    const { isCaughtUp, lag } = this.#follower.state();
    if (!isCaughtUp)
      return `the local copy of the event log is still being fetched: ${lag} messages are missing`;
    if (this.#lag.isBehind(reading.replica.position))
      return `the local copy of the event log is behind: ${lag} messages are missing`;
    const { ok, reason } = reading.replica.health();
    return ok ? undefined : (reason ?? "the local copy of the event log cannot be used");
  }

  /** The log is of no more use here; what the replica holds can still be read. */
  #fail(error: Error): void {
    if (this.#failure !== undefined || this.#closed !== undefined) return;
    this.#failure = error;
    this.#trouble.stop();
    this.#watch.stop();
    this.#failed.resolve(error);
  }

  /**
   * What the stream has removed is gone at once, also where the replica still has it, or never had it. A reader at
   * the replica's head would otherwise be led past events that were removed before the replica could get them.
   */
  #earliest(): number {
    const { earliest } = this.#requireReplica().bounds();
    return Math.max(earliest, this.#watch.state.firstSequence - 1);
  }

  #requireOpen(): void {
    if (this.#closed !== undefined) throw logUnavailable(new Error("the event log is closed"));
  }

  #requireReplica(): ReplicaLog {
    this.#requireOpen();
    const replica = this.#parts.reading?.replica;
    if (replica !== undefined) return replica;
    throw new ServiceError(
      Code.Unavailable,
      "LOG_UNAVAILABLE",
      "this process does not read events, since it lacks the role `events`; ask a process that has it",
    );
  }
}

/** What stands behind an error for callers: that is what operators need. */
function causeOf(error: Error): Error {
  return error instanceof ServiceError && error.cause instanceof Error ? error.cause : error;
}
