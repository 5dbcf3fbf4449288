import type { EventEmitter } from "node:events";
import { writeFileSync } from "node:fs";
import type { CliProcess } from "./cli-context.ts";

/** The process that this program runs in. */
export const NODE_PROCESS: CliProcess = {
  onReload: (callback) => listen("SIGHUP", callback),
  onExit: (callback) => listen("exit", (exitCode: number) => callback(exitCode)),
  onCrash: (callback) =>
    // What nobody has caught of a promise comes here, too.
    listen("uncaughtException", (error: unknown) => process.exit(callback(error))),
  writeNow: (path, text) => writeFileSync(path, text),
};

function listen<A extends unknown[]>(event: string, listener: (...args: A) => void): () => void {
  const emitter: EventEmitter = process;
  emitter.on(event, listener as () => void);
  return () => {
    emitter.off(event, listener as () => void);
  };
}
