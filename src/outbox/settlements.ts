import { SubmissionState } from "../../gen/infobip/messages/v1/submission_pb.js";
import type { ServiceError } from "../errors.ts";
import type { SubmissionRecord } from "../eventlog/submission-store.ts";
import type { Commits } from "./commits.ts";
import type { Entries } from "./entries.ts";
import type { Entry, Settlement } from "./entry.ts";
import { encodeOutcome } from "./stored-outcome.ts";
import { withoutMessages } from "./stored-request.ts";
import { submissionEvent } from "./submission-event.ts";
import type { Verdict } from "./verdict.ts";

/** What {@link Settlements} works with. */
export interface SettlementsOptions {
  readonly commits: Commits;
  readonly entries: Entries;
  /** Unix milliseconds. */
  readonly now: () => number;
  /** The submission is stored so and no longer in memory. */
  readonly onSettled: (record: SubmissionRecord) => void;
  /** It could not be stored; retry() tries again. */
  readonly onFailed: (error: ServiceError) => void;
}

/** Stores what was decided about submissions. What cannot be stored is kept, and nothing else is done to that submission before. */
export class Settlements {
  readonly #options: SettlementsOptions;
  readonly #failed = new Set<Entry>();

  constructor(options: SettlementsOptions) {
    this.#options = options;
  }

  /** How many could not be stored so far. */
  get failed(): number {
    return this.#failed.size;
  }

  /** Resolves once it is durable; rejects with ServiceError when the first attempt failed. */
  settle(entry: Entry, verdict: Verdict): Promise<void> {
    const next = recordAfter(entry.record, verdict, this.#options.now());
    const isChange = next.state !== entry.record.state;
    const event = isChange ? submissionEvent(next, entry.face, verdict.errorReason) : undefined;
    entry.phase = "SETTLING";
    const settlement: Settlement = { next, event, trying: Promise.resolve() };
    entry.settlement = settlement;
    return this.#try(entry, settlement, entry.unconfirmed !== undefined);
  }

  /** Tries again what has failed. */
  retry(): void {
    const entries = [...this.#failed];
    this.#failed.clear();
    for (const entry of entries) {
      if (entry.settlement !== undefined) void this.#try(entry, entry.settlement, true);
    }
  }

  #try(entry: Entry, settlement: Settlement, isUncertain: boolean): Promise<void> {
    const { commits, entries, onSettled, onFailed } = this.#options;
    const { next, event } = settlement;
    settlement.trying = commits.put(next, entry.record, event, isUncertain).then(
      () => {
        entry.record = next;
        entries.close(entry);
        onSettled(next);
      },
      (error: ServiceError) => {
        this.#failed.add(entry);
        onFailed(error);
        throw error;
      },
    );
    // It is tried again, whether anyone waits or not.
    settlement.trying.catch(() => {});
    return settlement.trying;
  }
}

function recordAfter(record: SubmissionRecord, verdict: Verdict, nowMs: number): SubmissionRecord {
  const { state, outcome, dueTimeMs } = verdict;
  const isDone = state !== SubmissionState.QUEUED;
  return {
    ...record,
    state,
    updateTimeMs: state === record.state ? record.updateTimeMs : Math.max(nowMs, record.updateTimeMs),
    dueTimeMs,
    request: isDone ? withoutMessages(record.request) : record.request,
    outcome: encodeOutcome(outcome),
  };
}
