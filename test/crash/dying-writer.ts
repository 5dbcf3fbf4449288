import { DatabaseSync, type SQLInputValue, StatementSync } from "node:sqlite";
import { workerData } from "node:worker_threads";
import { FIRST_DONE, QUEUED, SENDING } from "../../src/eventlog/embedded/submissions/stored-state.ts";
import type { KillPlan, WorkKind } from "./kill-plan.ts";

/** What tells that a transaction holds work of a kind. */
interface Sign {
  /** A part of the statement. */
  readonly sql: string;
  /** Whether the state that the statement sets, its first value, is one of those meant. */
  readonly isState?: (state: unknown) => boolean;
}

const SIGNS: Readonly<Record<WorkKind, Sign>> = {
  put: { sql: "INSERT INTO subscriptions" },
  append: { sql: "INSERT INTO events" },
  bury: { sql: "INSERT INTO dead_letters" },
  redrive: { sql: "SET redriven = 1" },
  settle: { sql: "DELETE FROM dead_letters WHERE subscription_id = ? AND sequence" },
  remove: { sql: "DELETE FROM events" },
  answer: { sql: "INSERT INTO answers" },
  submit: { sql: "INSERT INTO submissions" },
  leave: { sql: "UPDATE submissions SET state", isState: (state) => state === SENDING },
  requeue: { sql: "UPDATE submissions SET state", isState: (state) => state === QUEUED },
  result: { sql: "UPDATE submissions SET state", isState: (state) => Number(state) >= FIRST_DONE },
  purge: { sql: "DELETE FROM submissions" },
};

const plan = (workerData as { readonly plan?: KillPlan }).plan;
if (plan?.by === "itself" && plan.when !== "told") dieAt(plan);
await import("../../src/eventlog/embedded/writer-thread.ts");

/** Kills the process at a commit of the writer, whose statements are watched for what the transaction holds. */
function dieAt({ kind, when, nth, rows = 1 }: Extract<KillPlan, { by: "itself" }>): void {
  let changed = 0;
  let count = 0;
  const { run, exec } = { run: StatementSync.prototype.run, exec: DatabaseSync.prototype.exec };
  StatementSync.prototype.run = function (this: StatementSync, ...values: unknown[]) {
    const result = run.apply(this, values as [Record<string, SQLInputValue>, ...SQLInputValue[]]);
    if (Number(result.changes) > 0 && isSign(SIGNS[kind], this.sourceSQL, values)) changed++;
    return result;
  };
  DatabaseSync.prototype.exec = function (this: DatabaseSync, sql: string) {
    if (sql === "BEGIN IMMEDIATE") changed = 0;
    const isTime = sql === "COMMIT" && changed >= rows && ++count === nth;
    if (isTime && when === "before") die();
    exec.call(this, sql);
    if (isTime) die();
  };
}

function isSign({ sql, isState }: Sign, statement: string, [state]: readonly unknown[]): boolean {
  return statement.includes(sql) && (isState === undefined || isState(state));
}

function die(): void {
  process.kill(process.pid, "SIGKILL");
  // The signal reaches the process, not this thread: nothing more is done until it has.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}
