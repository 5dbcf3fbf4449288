import { DatabaseSync, type SQLInputValue, StatementSync } from "node:sqlite";
import { workerData } from "node:worker_threads";
import { type KillPlan, WORK_KINDS, type WorkKind } from "./kill-plan.ts";

/** Which statement tells that a transaction holds work of a kind. */
const SIGNS: Readonly<Record<WorkKind, string>> = {
  put: "INSERT INTO subscriptions",
  append: "INSERT INTO events",
  bury: "INSERT INTO dead_letters",
  redrive: "SET redriven = 1",
  settle: "DELETE FROM dead_letters WHERE subscription_id = ? AND sequence",
  remove: "DELETE FROM events",
};

const plan = (workerData as { readonly plan?: KillPlan }).plan;
if (plan?.by === "itself" && plan.when !== "told") dieAt(plan);
await import("../../src/eventlog/embedded/writer-thread.ts");

/** Kills the process at a commit of the writer, whose statements are watched for what the transaction holds. */
function dieAt({ kind, when, nth }: Extract<KillPlan, { by: "itself" }>): void {
  const done = new Set<WorkKind>();
  let count = 0;
  const { run, exec } = { run: StatementSync.prototype.run, exec: DatabaseSync.prototype.exec };
  StatementSync.prototype.run = function (this: StatementSync, ...values: unknown[]) {
    const result = run.apply(this, values as [Record<string, SQLInputValue>, ...SQLInputValue[]]);
    if (Number(result.changes) > 0)
      for (const sign of WORK_KINDS) if (this.sourceSQL.includes(SIGNS[sign])) done.add(sign);
    return result;
  };
  DatabaseSync.prototype.exec = function (this: DatabaseSync, sql: string) {
    if (sql === "BEGIN IMMEDIATE") done.clear();
    const isTime = sql === "COMMIT" && done.has(kind) && ++count === nth;
    if (isTime && when === "before") die();
    exec.call(this, sql);
    if (isTime) die();
  };
}

function die(): void {
  process.kill(process.pid, "SIGKILL");
  // The signal reaches the process, not this thread: nothing more is done until it has.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}
