import type { ServiceError } from "../errors.ts";
import type { SubmissionRecord } from "../eventlog/submission-store.ts";
import { Commits } from "./commits.ts";
import { Entries } from "./entries.ts";
import { Expiry } from "./expiry.ts";
import { Gate } from "./gate.ts";
import { KeyLock } from "./key-lock.ts";
import { DEFAULT_CONCURRENCY, DEFAULT_CONCURRENCY_BYTES, type OutboxOptions } from "./outbox-options.ts";
import { Purge } from "./purge.ts";
import { Settlements } from "./settlements.ts";
import { Tally } from "./tally.ts";
import { Window } from "./window.ts";
import { Worker } from "./worker.ts";

/** What an outbox is made of. */
export interface OutboxParts {
  readonly entries: Entries;
  readonly locks: KeyLock;
  readonly tally: Tally;
  readonly commits: Commits;
  readonly settlements: Settlements;
  readonly gate: Gate;
  readonly window: Window;
  readonly worker: Worker;
  readonly expiry: Expiry;
  readonly purge: Purge;
}

/** What the parts tell the outbox. */
export interface PartsOwner {
  /** There may be something to do. */
  readonly onWork: () => void;
  /** A submission is SENDING. */
  readonly onChange: (record: SubmissionRecord) => void;
  /** A submission is stored as it was decided. */
  readonly onSettled: (record: SubmissionRecord) => void;
  /** What was decided could not be stored. */
  readonly onNotSettled: (error: ServiceError) => void;
}

/** Puts the parts of an outbox together. */
export function createParts(options: OutboxOptions, owner: PartsOwner): OutboxParts {
  const { store, now, timer, limits, hooks = {} } = options;
  const common = {
    store,
    entries: new Entries(),
    locks: new KeyLock(),
    now,
    clock: timer.now,
    random: options.random,
    concurrency: limits.concurrency ?? DEFAULT_CONCURRENCY,
    concurrencyBytes: limits.concurrencyBytes ?? DEFAULT_CONCURRENCY_BYTES,
    onTrouble: (error: ServiceError): void => hooks.onTrouble?.(error),
  };
  const { entries, locks } = common;
  const tally = new Tally(limits);
  const commits = new Commits({ ...common, tally, onRecord: (number) => entries.changed(number) });
  const settlements = new Settlements({
    ...common,
    commits,
    onSettled: owner.onSettled,
    onFailed: owner.onNotSettled,
  });
  const gate = new Gate({
    now: timer.now,
    random: options.random,
    onClosed: (error, holdMs) => hooks.onHeld?.(error, holdMs),
    onOpened: () => hooks.onResumed?.(),
  });
  const { concurrency: capacity, concurrencyBytes: byteCapacity } = common;
  const window = new Window({ ...common, capacity, byteCapacity, onLoaded: owner.onWork });
  const worker = new Worker({
    ...common,
    window,
    gate,
    commits,
    settlements,
    send: options.send,
    onSending: ({ record }) => owner.onChange(record),
    onInternalError: (error) => hooks.onInternalError?.(error),
    onFree: owner.onWork,
  });
  const expiry = new Expiry({ ...common, worker, onSwept: owner.onWork });
  const purge = new Purge({ ...common, commits, retentionMs: limits.retentionMs });
  return { entries, locks, tally, commits, settlements, gate, window, worker, expiry, purge };
}
