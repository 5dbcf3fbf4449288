import { type Submission, SubmissionState } from "../../gen/infobip/messages/v1/submission_pb.js";
import { Alarm } from "../alarm.ts";
import type { ServiceError } from "../errors.ts";
import type { SubmissionRecord } from "../eventlog/submission-store.ts";
import type { Entries } from "./entries.ts";
import { Entry } from "./entry.ts";
import type { KeyLock } from "./key-lock.ts";
import { newRecord } from "./new-record.ts";
import type { NewSubmission, Outbox, SubmissionList, SubmissionListQuery } from "./outbox.ts";
import {
  notCancellable,
  outboxDraining,
  outboxOverloaded,
  requestIdReused,
  submissionUnknown,
} from "./outbox-errors.ts";
import type { OutboxOptions, OutboxState } from "./outbox-options.ts";
import { createParts, type OutboxParts } from "./outbox-parts.ts";
import { recoverSending } from "./recovery.ts";
import { submissionEvent } from "./submission-event.ts";
import { submissionOf, summaryOf } from "./submission-view.ts";

/** Wait before what could not be stored is tried again, in milliseconds. */
const STORE_RETRY_MS = 1_000;
/** Records that one page of a list examines at most. */
const MAX_EXAMINED = 10_000;
/** Longest wait, in milliseconds: what waits for a time of day must be looked at again, since the wall clock can step. */
const MAX_WAIT_MS = 60_000;
/** Most decisions that wait for a store that has failed; further cancellations are refused. */
export const MAX_UNSETTLED = 10_000;

/** An outbox with what only its owner needs. */
export interface RunningOutbox extends Outbox {
  /** Begins to send. */
  start(): void;
  /** Cheap: for metrics. */
  state(): OutboxState;
}

/**
 * Opens the outbox over a store: decides about the submissions that a crash has
 * left SENDING, and sends nothing before start(). Rejects with ServiceError
 * when the store cannot be read. Dispose of it before the store and the sender.
 */
export async function createOutbox(options: OutboxOptions): Promise<RunningOutbox> {
  const outbox = new StoredOutbox(options);
  await outbox.open();
  return outbox;
}

class StoredOutbox implements RunningOutbox {
  readonly #options: OutboxOptions;
  readonly #parts: OutboxParts;
  readonly #locks: KeyLock;
  readonly #entries: Entries;
  readonly #alarm: Alarm;
  #lastNumber = 0;
  #retryAt = Number.POSITIVE_INFINITY;
  #isRunning = false;
  #isRunComing = false;
  /** Sends nothing more; what is submitted is kept for the next start. */
  #isStopping = false;
  #isClosing = false;
  #disposed: Promise<void> | undefined;

  constructor(options: OutboxOptions) {
    this.#options = options;
    this.#parts = createParts(options, {
      onWork: () => this.#runSoon(),
      onChange: (record) => this.#report(record),
      onSettled: (record) => this.#settled(record),
      onNotSettled: (error) => this.#storeFailed(error),
    });
    this.#locks = this.#parts.locks;
    this.#entries = this.#parts.entries;
    this.#alarm = new Alarm(options.timer, () => this.#run(), MAX_WAIT_MS);
  }

  async open(): Promise<void> {
    const { store, now, random } = this.#options;
    const counts = await store.counts();
    this.#lastNumber = counts.lastNumber;
    this.#parts.tally.reset(counts);
    await recoverSending({
      store,
      entries: this.#entries,
      settlements: this.#parts.settlements,
      context: () => ({ nowMs: now(), random }),
    });
  }

  start(): void {
    this.#isRunning = !this.#isStopping;
    this.#run();
  }

  state(): OutboxState {
    return {
      byState: this.#parts.tally.byState,
      bytes: this.#parts.tally.bytes,
      inFlight: this.#parts.worker.inFlight,
      heldMs: this.#parts.gate.heldMs,
    };
  }

  async submit(submission: NewSubmission): Promise<Submission> {
    const { requestId } = submission;
    if (this.#isClosing) throw outboxDraining();
    return this.#locks.run(requestId, async () => {
      const known = await this.#find(requestId);
      if (known === undefined) return this.#create(submission);
      if (!Buffer.from(known.payloadHash).equals(submission.payloadHash)) throw requestIdReused();
      return submissionOf(known);
    });
  }

  async get(requestId: string): Promise<Submission> {
    const record = await this.#find(requestId);
    if (record === undefined) throw submissionUnknown();
    return submissionOf(record);
  }

  async list({ pageSize, before, states }: SubmissionListQuery): Promise<SubmissionList> {
    const { records, examinedTo } = await this.#options.store.list({
      before: before ?? Number.MAX_SAFE_INTEGER,
      states,
      limit: pageSize,
      maxExamined: MAX_EXAMINED,
    });
    return { submissions: records.map(summaryOf), before: examinedTo === 0 ? undefined : examinedTo };
  }

  async cancel(requestId: string): Promise<Submission> {
    for (;;) {
      const entry = this.#entries.get(requestId);
      if (entry === undefined) {
        const done = await this.#locks.run(requestId, () => this.#cancelStored(requestId));
        if (done !== undefined) return done;
      } else if (entry.phase === "SETTLING") {
        await entry.settlement?.trying;
      } else if (entry.phase === "STARTING" || entry.phase === "SENDING") {
        throw notCancellable(SubmissionState.SENDING);
      } else {
        return this.#cancelEntry(entry);
      }
    }
  }

  async drain(graceMs: number): Promise<void> {
    this.#stop();
    const { promise: grace, resolve } = Promise.withResolvers<void>();
    const callOff = this.#options.timer.schedule(graceMs, resolve);
    await Promise.race([grace, this.#parts.worker.idle().then(() => this.#parts.commits.settled())]);
    callOff();
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#disposed ??= this.#dispose();
    return this.#disposed;
  }

  async #dispose(): Promise<void> {
    this.#isClosing = true;
    this.#stop();
    this.#parts.worker.abandon();
    await Promise.all([
      this.#parts.window.idle(),
      this.#parts.expiry.stop(),
      this.#parts.purge.stop(),
      this.#parts.worker.idle(),
    ]);
    this.#parts.worker.confirm();
    await this.#parts.commits.settled();
    this.#parts.settlements.retry();
    await this.#parts.commits.settled();
  }

  #stop(): void {
    this.#isStopping = true;
    this.#isRunning = false;
    this.#alarm.stop();
    this.#parts.worker.stop();
  }

  async #find(requestId: string): Promise<SubmissionRecord | undefined> {
    return this.#entries.get(requestId)?.record ?? (await this.#options.store.get(requestId));
  }

  async #create(submission: NewSubmission): Promise<Submission> {
    if (this.#isClosing) throw outboxDraining();
    const record = newRecord(submission, ++this.#lastNumber, this.#options);
    const entry = new Entry(record, submission.request);
    const { length } = record.request;
    this.#parts.tally.reserve(length);
    try {
      await this.#parts.commits.put(record, undefined, submissionEvent(record, entry.face, undefined));
    } catch (error) {
      // Perhaps it is stored all the same.
      this.#parts.window.leave(record);
      this.#runSoon();
      throw error;
    } finally {
      this.#parts.tally.arrived(length);
    }
    this.#report(record);
    this.#parts.window.add(record, submission.request);
    this.#parts.expiry.expect(record.expireAfterMs);
    this.#runSoon();
    return submissionOf(record, submission.messageIds);
  }

  /** Undefined when the submission has come into memory meanwhile. */
  async #cancelStored(requestId: string): Promise<Submission | undefined> {
    if (this.#entries.get(requestId) !== undefined) return undefined;
    const record = await this.#options.store.get(requestId);
    if (record === undefined) throw submissionUnknown();
    if (record.state === SubmissionState.CANCELLED) return submissionOf(record);
    if (record.state !== SubmissionState.QUEUED) throw notCancellable(record.state);
    if (this.#parts.settlements.failed >= MAX_UNSETTLED) throw outboxOverloaded();
    const entry = new Entry(record);
    this.#entries.open(entry);
    return this.#cancelEntry(entry);
  }

  async #cancelEntry(entry: Entry): Promise<Submission> {
    await this.#parts.worker.end(entry, "CANCELLED");
    return submissionOf(entry.record);
  }

  #settled(record: SubmissionRecord): void {
    this.#report(record);
    if (record.state === SubmissionState.QUEUED) {
      this.#parts.window.leave(record);
      this.#parts.expiry.expect(record.expireAfterMs);
    }
    this.#runSoon();
  }

  #storeFailed(error: ServiceError): void {
    this.#parts.gate.failed(error, false);
    this.#retryAt = Math.min(this.#retryAt, this.#options.timer.now() + STORE_RETRY_MS);
    this.#runSoon();
  }

  #report({ state, attempts, createTimeMs }: SubmissionRecord): void {
    const ageMs = Math.max(0, this.#options.now() - createTimeMs);
    this.#options.hooks?.onChange?.({ state, attempts, ageMs });
  }

  /** Once for everything that happens in this turn, such as the end of a commit. */
  #runSoon(): void {
    if (this.#isRunComing || !this.#isRunning) return;
    this.#isRunComing = true;
    queueMicrotask(() => {
      this.#isRunComing = false;
      this.#run();
    });
  }

  /** Does everything whose time has come, and sets the alarm for what comes next. */
  #run(): void {
    if (!this.#isRunning) return;
    const { timer } = this.#options;
    if (timer.now() >= this.#retryAt) {
      this.#retryAt = Number.POSITIVE_INFINITY;
      this.#parts.settlements.retry();
    }
    this.#parts.expiry.run();
    this.#parts.purge.run();
    this.#parts.worker.run();
    this.#parts.window.fill();
    const waits = [
      this.#parts.window.waitMs,
      this.#parts.expiry.waitMs,
      this.#parts.purge.waitMs,
      this.#retryAt - timer.now(),
    ];
    if (this.#parts.window.peek() !== undefined)
      waits.push(this.#parts.gate.waitMs || Number.POSITIVE_INFINITY);
    this.#alarm.in(Math.min(...waits));
  }
}
