import type { SubmissionStore } from "../eventlog/submission-store.ts";
import type { Entries } from "./entries.ts";
import { Entry } from "./entry.ts";
import { interrupted } from "./outbox-errors.ts";
import type { Settlements } from "./settlements.ts";
import { decodeOutcome } from "./stored-outcome.ts";
import { judgeUnknown, type VerdictContext } from "./verdict.ts";

/** Most submissions that are judged in one go. */
const PAGE = 256;
/** Bytes of one page. */
const PAGE_BYTES = 8 * 1024 * 1024;

/** What {@link recoverSending} works with. */
export interface RecoveryOptions {
  readonly store: Pick<SubmissionStore, "sending">;
  readonly entries: Entries;
  readonly settlements: Settlements;
  readonly context: () => VerdictContext;
}

/**
 * Decides by their policy about the submissions that a process has left behind
 * SENDING. Rejects with ServiceError when the store cannot be read.
 */
export async function recoverSending(options: RecoveryOptions): Promise<void> {
  const { store, entries, settlements, context } = options;
  for (let after = 0; ; ) {
    const page = await store.sending(after, PAGE, PAGE_BYTES);
    const last = page.at(-1);
    if (last === undefined) return;
    // What cannot be stored now is stored later, and nothing is sent of it before: a full disk must not keep the
    // service from starting. They are no more than the process before had under way.
    await Promise.allSettled(
      page.map((record) => {
        const entry = new Entry(record);
        entries.open(entry);
        const before = decodeOutcome(record.outcome, true);
        const verdict = judgeUnknown(record, before, interrupted(), context());
        // Nothing is known of a trouble upstream: one that is repeated goes at once.
        return settlements.settle(entry, {
          ...verdict,
          dueTimeMs: Math.min(verdict.dueTimeMs, context().nowMs),
        });
      }),
    );
    after = last.number;
  }
}
