import type { TransferCounts } from "../../eventlog/transfer/transfer-format.ts";

/** Counts as JSON of the command line. */
export function countsToJson(counts: TransferCounts): Record<string, number> {
  return {
    events: counts.events,
    subscriptions: counts.subscriptions,
    dead_letters: counts.deadLetters,
    submissions: counts.submissions,
    answers: counts.answers,
  };
}

/** Counts as text. */
export function countsToText(counts: TransferCounts): string {
  return (
    `${counts.events} events, ${counts.subscriptions} subscriptions, ${counts.deadLetters} dead letters, ` +
    `${counts.submissions} submissions, ${counts.answers} answers`
  );
}
