import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { cpuMicroseconds, residentMiB } from "./process-usage.ts";

/** A module of the benchmark that serves on loopback, in a process of its own. */
export interface ChildServer extends AsyncDisposable {
  /** host:port */
  readonly address: string;
  readonly cpuMicroseconds: () => number;
  readonly residentMiB: () => number;
  /** Sends one message and resolves with the answer to it. Rejects when the process ends first. */
  ask(message: unknown): Promise<unknown>;
}

/** Starts a module that calls {@link announce} once it serves. */
export async function startChildServer(module: URL, args: readonly string[] = []): Promise<ChildServer> {
  const child = fork(module, args, { execArgv: [] });
  const pid = child.pid ?? 0;
  return {
    address: String(await nextMessage(child)),
    cpuMicroseconds: () => cpuMicroseconds(pid),
    residentMiB: () => residentMiB(pid),
    ask: (message) => {
      const answer = nextMessage(child);
      child.send(message as object);
      return answer;
    },
    [Symbol.asyncDispose]: () => end(child),
  };
}

/** Tells the parent where the module serves, and ends the process when the parent lets go of it. */
export function announce(address: string): void {
  process.on("disconnect", () => process.exit(0));
  process.send?.(address);
}

async function nextMessage(child: ChildProcess): Promise<unknown> {
  const settled = new AbortController();
  const { signal } = settled;
  const ended = once(child, "exit", { signal }).then(() => {
    throw new Error("a process of the benchmark ended too early");
  });
  ended.catch(() => undefined);
  try {
    const [message] = await Promise.race([once(child, "message", { signal }), ended]);
    return message;
  } finally {
    settled.abort();
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.connected) child.disconnect();
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
}
