import { flushCompileCache } from "node:module";
import { Worker } from "node:worker_threads";
import { loadConfig } from "../../src/config/load-config.ts";
import { openEmbeddedLog } from "../../src/eventlog/embedded/open-embedded-log.ts";
import type { FromWriter } from "../../src/eventlog/embedded/writer-messages.ts";
import { createService } from "../../src/service.ts";
import type { OpenLog } from "../../src/service-storage.ts";
import { systemTimer } from "../../src/timer.ts";
import type { ChildOptions } from "./crash-child.ts";
import type { KillPlan } from "./kill-plan.ts";

/** How much faster than usual the log's timer runs, so that retention is at work all the time. */
const TIMER_SPEED = 200;

const options = JSON.parse(process.argv[2] ?? "") as ChildOptions;
const { dataDir, secret, plan, retentionAgeMs } = options;

const openLog: OpenLog = (logOptions) =>
  openEmbeddedLog({
    ...logOptions,
    ...(retentionAgeMs === undefined
      ? {}
      : {
          retention: { ageMs: retentionAgeMs },
          timer: { schedule: (delayMs, run) => systemTimer.schedule(delayMs / TIMER_SPEED, run) },
        }),
    startWriter: (data) => {
      const url = new URL("./dying-writer.ts", import.meta.url);
      const worker = new Worker(url, { workerData: { ...data, plan } });
      if (plan?.by === "itself" && plan.when === "told") dieWhenTold(worker, plan);
      return worker;
    },
  });

/** Kills the process when the writer says that a commit is done, before anything else hears of it. */
function dieWhenTold(worker: Worker, { kind, nth }: Extract<KillPlan, { by: "itself" }>): void {
  let count = 0;
  worker.on("message", (message: FromWriter) => {
    if (holds(message, kind) && ++count === nth) process.kill(process.pid, "SIGKILL");
  });
}

function holds(message: FromWriter, kind: string): boolean {
  if (message.kind === "removed") return kind === "remove";
  if (message.kind !== "committed") return false;
  return message.results.some((result) => ("appended" in result ? kind === "append" : kind === "put"));
}

const loaded = await loadConfig({
  flags: new Map(
    Object.entries({
      "--upstream-base-url": options.upstream ?? "http://127.0.0.1:9",
      "--upstream-api-key": "simulator",
      "--grpc-listen": "127.0.0.1:0",
      "--http-listen": "",
      "--admin-listen": "",
      "--webhook-listen": "127.0.0.1:0",
      "--webhook-secret": secret,
      "--data-dir": dataDir,
    }),
  ),
  environment: {},
  readTextFile: () => Promise.reject(new Error("there are no files")),
});
const submissions = {
  ...loaded.submissions,
  ...(options.submissionRetentionMs === undefined ? {} : { retentionMs: options.submissionRetentionMs }),
};
const addresses = await createService({ ...loaded, submissions }, { openLog }).start();
// A killed process writes no cache at its end.
flushCompileCache();
process.stdout.write(`${JSON.stringify(addresses)}\n`);
