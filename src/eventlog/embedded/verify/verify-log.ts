import { setImmediate as nextTurn } from "node:timers/promises";
import type { ReadOnlyLog } from "../read-only-log.ts";
import { sqliteFailure } from "../sqlite-error.ts";
import { type Finding, Findings } from "./findings.ts";
import { EventPass } from "./verify-events.ts";
import { verifyAnswers, verifySubmissions } from "./verify-sending.ts";
import { verifyCrowds, verifyPages, verifyTables } from "./verify-structure.ts";
import { verifyDeadLetters, verifySubscriptions } from "./verify-subscriptions.ts";

/** What a check of a log is doing. */
export type VerifyStep = "PAGES" | "EVENTS" | "DEAD_LETTERS" | "SENDING";

/** How to check a log. */
export interface VerifyOptions {
  /** Also work out which events are superseded. Takes long where one message has very many events. */
  readonly checkMarks: boolean;
  /** Ends the check; the report then says so. */
  readonly signal: AbortSignal;
  /** Told now and then. */
  readonly onProgress: (step: VerifyStep, done: number, total: number) => void;
}

/** What a check has looked at. */
export interface VerifyCounts {
  readonly events: number;
  readonly subscriptions: number;
  readonly deadLetters: number;
  readonly answers: number;
  readonly submissions: number;
}

/** Counts of a check that has looked at nothing. */
export const NOTHING_VERIFIED: VerifyCounts = {
  events: 0,
  subscriptions: 0,
  deadLetters: 0,
  answers: 0,
  submissions: 0,
};

/** What a check has found. */
export interface VerifyReport extends VerifyCounts {
  /** At most MAX_FINDINGS. */
  readonly findings: readonly Finding[];
  /** Further ones. */
  readonly findingsLeftOut: number;
  /** False when the signal, or damage that SQLite cannot read past, has ended the check. */
  readonly isComplete: boolean;
}

/**
 * Checks a log: SQLite's own check, and what the service relies on beyond it.
 * Changes nothing and holds nobody up, but while SQLite's own check runs the
 * write-ahead log of a busy service grows. Never throws for what is in the
 * file.
 */
export async function verifyLog(file: ReadOnlyLog, options: VerifyOptions): Promise<VerifyReport> {
  const findings = new Findings();
  const counts = { ...NOTHING_VERIFIED };
  let isComplete = false;
  try {
    isComplete = await runChecks(file, options, findings, counts);
  } catch (error) {
    findings.add("file", `cannot be read further: ${sqliteFailure(error).text}`);
  }
  return { findings: findings.listed, findingsLeftOut: findings.leftOut, ...counts, isComplete };
}

async function runChecks(
  file: ReadOnlyLog,
  { checkMarks, signal, onProgress }: VerifyOptions,
  findings: Findings,
  counts: { -readonly [Name in keyof VerifyCounts]: VerifyCounts[Name] },
): Promise<boolean> {
  onProgress("PAGES", 0, 1);
  await nextTurn();
  verifyPages(file.database, findings);
  if (!verifyTables(file.database, findings, file.isReplica)) return false;
  verifyCrowds(file.database, findings);
  const pass = new EventPass(file, findings, checkMarks);
  while (!signal.aborted && pass.step()) {
    counts.events = pass.checked;
    onProgress("EVENTS", pass.checked, pass.total);
    await nextTurn();
  }
  if (signal.aborted) return false;
  counts.subscriptions = verifySubscriptions(file, findings);
  for (let row: number | undefined = 0; row !== undefined && !signal.aborted; ) {
    const { checked, lastRow }: ReturnType<typeof verifyDeadLetters> = verifyDeadLetters(
      file.database,
      row,
      findings,
    );
    counts.deadLetters += checked;
    row = lastRow;
    onProgress("DEAD_LETTERS", counts.deadLetters, counts.deadLetters);
    await nextTurn();
  }
  if (signal.aborted) return false;
  onProgress("SENDING", 0, 1);
  await nextTurn();
  counts.answers = verifyAnswers(file.database, findings);
  counts.submissions = verifySubmissions(file.database, findings);
  return !signal.aborted;
}
