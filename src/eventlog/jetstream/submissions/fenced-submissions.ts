import { logUnavailable } from "../../../nats/nats-errors.ts";
import { PublishConflict } from "../../../nats/publisher.ts";
import type { Timer } from "../../../timer.ts";
import type { EventLog } from "../../event-log.ts";
import type {
  SubmissionCommit,
  SubmissionCounts,
  SubmissionPage,
  SubmissionQuery,
  SubmissionRecord,
  SubmissionStore,
} from "../../submission-store.ts";
import type { FencedWriter } from "./fenced-writer.ts";
import type { OutboxSubjects } from "./outbox-subjects.ts";
import type { StreamAccess } from "./stream-access.ts";
import type { EpochMessage } from "./submission-message.ts";
import {
  eventsByPlace,
  hasRefs,
  type MessageSizes,
  type RecordRefs,
  type StoredRefs,
  SubmissionPlan,
  sequencesOf,
} from "./submission-plan.ts";

/** Quiet time after which the stream is told that all events are in the log, in milliseconds. */
export const MARK_DELAY_MS = 1_000;
const NOTHING: SubmissionCommit = { records: [], removed: [], events: [] };

/** What {@link FencedSubmissions} works with. */
export interface FencedSubmissionsOptions {
  readonly writer: FencedWriter;
  readonly stream: Pick<StreamAccess, "purge" | "deleteAt">;
  readonly subjects: OutboxSubjects;
  readonly sizes: MessageSizes;
  readonly log: Pick<EventLog, "append">;
  /** Holds what the stream holds, for reads. */
  readonly copy: SubmissionStore;
  /** Records with bytes in messages of their own, by number. */
  readonly refs: Map<number, RecordRefs>;
  /** Highest number ever given. */
  readonly lastNumber: number;
  /** Whether the stream says that all events up to its last message are in the log. */
  readonly isMarked: boolean;
  readonly encodeEpoch: (epoch: Omit<EpochMessage, "writer">) => Uint8Array;
  readonly timer: Timer;
}

/** A commit on its way, from its first message until everything that follows from it is done. */
interface Work {
  readonly commit: SubmissionCommit;
  readonly plan: SubmissionPlan;
  /** Messages that are stored; undefined while that is not known. */
  stored: number | undefined;
}

/**
 * See {@link SubmissionStore}. What a commit changes is in the stream first,
 * then its events are in the log, then the copy has it. A commit that was
 * interrupted is brought to an end, as far as it was stored, before anything
 * else is read or written; until that works, calls reject.
 */
export class FencedSubmissions implements SubmissionStore {
  readonly #options: FencedSubmissionsOptions;
  #lastCommit: Promise<unknown> = Promise.resolve();
  #interrupted: Work | undefined;
  #finishing: Promise<void> | undefined;
  #lastNumber: number;
  /** Sequence at which the stream was told last that all events are in the log. */
  #markedAt: number;
  #callOffMark: () => void = () => {};

  constructor(options: FencedSubmissionsOptions) {
    this.#options = options;
    this.#lastNumber = options.lastNumber;
    this.#markedAt = options.isMarked ? options.writer.last : 0;
    if (!options.isMarked) this.#markLater();
  }

  commit(commit: SubmissionCommit): Promise<void> {
    const { records, removed, events } = commit;
    if (records.length + removed.length + events.length === 0) return Promise.resolve();
    return this.#inTurn(() => this.#commit(commit));
  }

  async get(id: string): Promise<SubmissionRecord | undefined> {
    return (await this.#readable()).get(id);
  }

  async list(query: SubmissionQuery): Promise<SubmissionPage> {
    return (await this.#readable()).list(query);
  }

  async due(
    timeMs: number,
    after: { readonly dueTimeMs: number; readonly number: number } | undefined,
    limit: number,
    maxBytes: number,
  ): Promise<readonly SubmissionRecord[]> {
    return (await this.#readable()).due(timeMs, after, limit, maxBytes);
  }

  async nextDue(afterMs: number): Promise<number | undefined> {
    return (await this.#readable()).nextDue(afterMs);
  }

  async expired(timeMs: number, limit: number, maxBytes: number): Promise<readonly SubmissionRecord[]> {
    return (await this.#readable()).expired(timeMs, limit, maxBytes);
  }

  async nextExpiry(): Promise<number | undefined> {
    return (await this.#readable()).nextExpiry();
  }

  async sending(after: number, limit: number, maxBytes: number): Promise<readonly SubmissionRecord[]> {
    return (await this.#readable()).sending(after, limit, maxBytes);
  }

  async doneBefore(timeMs: number, limit: number): Promise<readonly number[]> {
    return (await this.#readable()).doneBefore(timeMs, limit);
  }

  async counts(): Promise<SubmissionCounts> {
    const counts = await (await this.#readable()).counts();
    return { ...counts, lastNumber: this.#lastNumber };
  }

  /** Waits for the commits that were given, and tells the stream that all events are in the log, if it can. Never rejects. */
  async close(): Promise<void> {
    this.#callOffMark();
    await this.#inTurn(() => this.#mark()).catch(() => {});
    this.#callOffMark();
  }

  /** The copy, once it has everything that was stored. */
  async #readable(): Promise<SubmissionStore> {
    this.#options.writer.requireHeld();
    // Marks change nothing that can be read.
    if (this.#interrupted !== undefined && this.#interrupted.commit !== NOTHING)
      await this.#finishInterrupted();
    return this.#options.copy;
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.#lastCommit.then(work);
    this.#lastCommit = done.catch(() => {});
    return done;
  }

  async #commit(commit: SubmissionCommit): Promise<void> {
    await this.#finishInterrupted();
    const plan = await this.#plan(commit);
    const work: Work = { commit, plan, stored: undefined };
    try {
      await this.#options.writer.write(plan.messages);
      work.stored = plan.messages.length;
      await this.#finish(work);
    } catch (error) {
      this.#interrupted = work;
      if (!isConflict(error)) throw error;
      // Somebody else writes, or an acknowledgement was lost.
      await this.#finishInterrupted();
      if (work.stored !== plan.messages.length) throw error;
    }
  }

  async #plan(commit: SubmissionCommit): Promise<SubmissionPlan> {
    const { writer, subjects, sizes } = this.#options;
    const plan = new SubmissionPlan(subjects, writer.last, sizes);
    const events = eventsByPlace(commit);
    for (const [place, record] of commit.records.entries())
      plan.add(record, events[place] ?? [], await this.#storedRefs(record));
    if (commit.removed.length > 0 || commit.records.length === 0) {
      // Removals and appends do not fail by themselves when another process has taken the stream over; this does.
      const lastNumber = Math.max(this.#lastNumber, ...commit.records.map(({ number }) => number));
      plan.addMessage(subjects.epoch, this.#epoch(lastNumber, 0));
    }
    return plan;
  }

  async #storedRefs({ number, id }: SubmissionRecord): Promise<StoredRefs | undefined> {
    const refs = this.#options.refs.get(number);
    if (refs === undefined) return undefined;
    const stored = await this.#options.copy.get(id);
    return stored?.number === number ? { refs, request: stored.request } : undefined;
  }

  /** Several calls share one try. */
  #finishInterrupted(): Promise<void> {
    if (this.#interrupted === undefined) return Promise.resolve();
    this.#finishing ??= this.#finishWork(this.#interrupted).finally(() => {
      this.#finishing = undefined;
    });
    return this.#finishing;
  }

  async #finishWork(work: Work): Promise<void> {
    work.stored ??= await this.#options.writer.settle(
      // What the stream held before was brought to its end.
      (storedTo) => this.#epoch(this.#lastNumber, storedTo),
    );
    await this.#finish(work);
    this.#interrupted = undefined;
  }

  /** Does what follows from the messages that are stored; may be done again. */
  async #finish({ commit, plan, stored }: Work): Promise<void> {
    const { log, copy, stream, subjects } = this.#options;
    const isWhole = stored === plan.messages.length;
    const changes = plan.messages.slice(0, stored).flatMap(({ stores }) => stores ?? []);
    const kept = new Set(commit.records.map(({ number }) => number));
    const removed = isWhole ? commit.removed.filter((number) => !kept.has(number)) : [];
    await Promise.all(removed.map((number) => stream.purge(subjects.record(number)))).catch(
      rejectUnavailable,
    );
    const events = isWhole ? commit.events : changes.flatMap((change) => change.events);
    if (events.length > 0) await log.append(events);
    const records = changes.map(({ record }) => record);
    await copy.commit({ records, removed: isWhole ? commit.removed : [], events: [] });
    for (const { number } of records) this.#lastNumber = Math.max(this.#lastNumber, number);
    const unused = new Set(removed.flatMap((number) => this.#forget(number)));
    for (const { record, refs } of changes) {
      for (const sequence of this.#forget(record.number)) unused.add(sequence);
      for (const sequence of sequencesOf(refs)) unused.delete(sequence);
      if (hasRefs(refs)) this.#options.refs.set(record.number, refs);
    }
    // What is left behind is found when the store is opened next.
    await Promise.allSettled(Array.from(unused, (sequence) => stream.deleteAt(sequence)));
    this.#markLater();
  }

  /** An epoch for after the last message, whose events and those before are all in the log. */
  #epoch(lastNumber: number, storedTo: number): Uint8Array {
    const { writer, encodeEpoch } = this.#options;
    return encodeEpoch({ appendedTo: writer.last, lastNumber, storedTo });
  }

  /** Sequences of the messages that held a record's bytes. */
  #forget(number: number): readonly number[] {
    const refs = this.#options.refs.get(number);
    this.#options.refs.delete(number);
    return refs === undefined ? [] : sequencesOf(refs);
  }

  #markLater(): void {
    this.#callOffMark();
    this.#callOffMark = this.#options.timer.schedule(MARK_DELAY_MS, () => {
      void this.#inTurn(() => this.#mark()).catch(() => {});
    });
  }

  /** Without it the events of the last commit would be appended again when the store is opened, however much later. */
  async #mark(): Promise<void> {
    const { writer, subjects, sizes } = this.#options;
    await this.#finishInterrupted();
    if (writer.last <= this.#markedAt) return;
    const plan = new SubmissionPlan(subjects, writer.last, sizes);
    plan.addMessage(subjects.epoch, this.#epoch(this.#lastNumber, 0));
    try {
      await writer.write(plan.messages);
      this.#markedAt = writer.last;
    } catch (error) {
      this.#interrupted = { commit: NOTHING, plan, stored: undefined };
      if (isConflict(error)) await this.#finishInterrupted();
    }
  }
}

function isConflict(error: unknown): boolean {
  return error instanceof Error && error.cause instanceof PublishConflict;
}

function rejectUnavailable(error: unknown): never {
  throw logUnavailable(error);
}
