import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { expect } from "vitest";
import type { Sandbox } from "./sandbox.ts";

/** Longest time for a block to end, or to print what it must, in milliseconds. */
const LIMIT_MS = 60_000;
/** Longest time for a block to end after its signal, in milliseconds. */
const STOP_MS = 10_000;
/** Between two looks at what a block has printed, in milliseconds. */
const LOOK_MS = 50;
/** Most output of a block that a failed test shows, in characters of each stream. */
const MAX_SHOWN = 4_000;

/** Shells that run; they must not outlive a test run that ends early. */
const running = new Set<ShellRun>();
process.once("exit", () => {
  for (const run of running) run.signal("SIGKILL");
});

/** Commands in a bash of their own, as a reader's terminal runs them; the first one that fails ends it. */
export class ShellRun {
  readonly #child: ChildProcess;
  readonly #closed: Promise<number | null>;
  stdout = "";
  stderr = "";

  /** `terminal` keeps variables and the folder from one run to the next. */
  constructor(sandbox: Sandbox, terminal: string, commands: string) {
    const state = sandbox.path(`.terminal-${terminal}`);
    const script = [
      // All variables go to the terminal's next block.
      "set -aeuo pipefail",
      `[ ! -f ${state} ] || . ${state}`,
      commands,
      `{ export -p; printf 'cd %q\\n' "$PWD"; } > ${state}`,
    ].join("\n");
    // A group of its own, so that what the shell has started ends with it.
    this.#child = spawn("bash", ["-c", script], {
      cwd: sandbox.folder,
      env: sandbox.environment,
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
    this.#child.stdout?.setEncoding("utf8").on("data", (text) => {
      this.stdout += text;
    });
    this.#child.stderr?.setEncoding("utf8").on("data", (text) => {
      this.stderr += text;
    });
    running.add(this);
    this.#closed = once(this.#child, "close").then(([code]) => {
      running.delete(this);
      return code as number | null;
    });
  }

  /** What there is to see, for the message of a failed test. */
  shown(): string {
    return `stdout:\n${this.stdout.slice(-MAX_SHOWN)}\nstderr:\n${this.stderr.slice(-MAX_SHOWN)}`;
  }

  /** Waits for the end; gives the exit code. */
  async ended(): Promise<number | null> {
    const timer = setTimeout(() => this.signal("SIGKILL"), LIMIT_MS);
    const code = await this.#closed;
    clearTimeout(timer);
    return code;
  }

  /** Waits until stdout matches all of the patterns. Fails when the shell ends before. */
  async until(patterns: readonly RegExp[], meanwhile?: () => Promise<unknown>): Promise<void> {
    const missing = async () => {
      const open = patterns.filter((pattern) => !pattern.test(this.stdout)).map(String);
      if (open.length > 0) await meanwhile?.();
      return open;
    };
    const looking = expect.poll(missing, { timeout: LIMIT_MS, interval: LOOK_MS }).toEqual([]);
    const early = this.#closed.then(async (code) => {
      const open = await missing();
      if (open.length > 0) throw new Error(`ended with ${code} and had not printed ${open}`);
    });
    // It ends later on as well, when nobody waits for it any more.
    early.catch(() => undefined);
    await Promise.race([looking, early]);
  }

  /** Ctrl+C, and harder when that does not help. */
  async stop(): Promise<void> {
    const timer = setTimeout(() => this.signal("SIGKILL"), STOP_MS);
    this.signal("SIGINT");
    await this.#closed;
    clearTimeout(timer);
  }

  signal(signal: NodeJS.Signals): void {
    if (this.#child.pid === undefined || !running.has(this)) return;
    try {
      process.kill(-this.#child.pid, signal);
    } catch {
      // The group ended meanwhile.
    }
  }
}
