#!/usr/bin/env node
import { setTimeout as wait } from "node:timers/promises";
import type { CliClock, CliContext } from "./cli/cli-context.ts";
import { EXIT } from "./cli/exit-codes.ts";
import { freePort } from "./cli/free-port.ts";
import { NODE_FILES, removeTemporaryFolders } from "./cli/node-files.ts";
import { NODE_PROCESS } from "./cli/node-process.ts";
import { runCli } from "./cli/run-cli.ts";

/** Time for open handles to close after the command has ended, in milliseconds. */
const EXIT_GRACE_MS = 2000;

const clock: CliClock = {
  now: Date.now,
  random: Math.random,
  sleep: (ms, signal) =>
    wait(ms, undefined, { signal }).then(
      () => undefined,
      () => undefined,
    ),
};

const stop = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    if (stop.signal.aborted) process.exit(EXIT.interrupted);
    stop.abort();
  });
}

// A service must outlive whoever reads what it prints; elsewhere a reader such as `head` that has gone is no failure.
const serves = ["serve", "simulate"].includes(process.argv[2] ?? "");
process.stderr.on("error", () => {});
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (!serves) process.exit(error.code === "EPIPE" ? EXIT.ok : EXIT.failure);
});
process.on("exit", removeTemporaryFolders);

const context: CliContext = {
  args: process.argv.slice(2),
  environment: process.env,
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  signal: stop.signal,
  files: NODE_FILES,
  clock,
  process: NODE_PROCESS,
  freePort,
};

process.exitCode = await runCli(context);
// What the command left open must not keep the process.
setTimeout(() => process.exit(), EXIT_GRACE_MS).unref();
