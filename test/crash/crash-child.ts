import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { KillPlan } from "./kill-plan.ts";

const PROGRAM = new URL("./service-child.ts", import.meta.url).pathname;
/** How long a process whose connections have failed may take to be seen dead, in milliseconds. */
const DEATH_LIMIT_MS = 10_000;

/** What the process is started with. */
export interface ChildOptions {
  readonly dataDir: string;
  /** Keeps compiled code, so that each start after the first is quick. */
  readonly cacheDir: string;
  readonly secret: string;
  readonly plan?: KillPlan;
  /** Retention, which then runs all the time. Default: the service's own. */
  readonly retentionAgeMs?: number;
  /** Base URL of what stands for Infobip. Default: nothing can be sent. */
  readonly upstream?: string;
  /** How long submissions that are done are kept, which the settings bound to days. Default: the service's own. */
  readonly submissionRetentionMs?: number;
}

/** One incarnation of the service: a process that is killed, by itself or by its clients. */
export class CrashChild {
  readonly grpc: string;
  readonly webhook: string;
  readonly #process: ChildProcess;
  readonly #dead = new AbortController();
  readonly #exit: Promise<void>;

  private constructor(
    process: ChildProcess,
    exit: Promise<void>,
    addresses: { grpc: string; webhook: string },
  ) {
    this.#process = process;
    this.#exit = exit;
    this.grpc = addresses.grpc;
    this.webhook = addresses.webhook;
    void exit.then(() => this.#dead.abort());
  }

  /** Undefined when it was killed before it listened. */
  static async start(options: ChildOptions): Promise<CrashChild | undefined> {
    const child = spawn(process.execPath, [PROGRAM, JSON.stringify(options)], {
      stdio: ["ignore", "pipe", "inherit"],
      env: { PATH: process.env.PATH, NODE_COMPILE_CACHE: options.cacheDir },
    });
    const exit = once(child, "exit").then(() => {});
    const line = once(createInterface(child.stdout), "line") as Promise<[string]>;
    const ready = await Promise.race([line, exit]);
    if (ready === undefined) {
      if (child.signalCode !== "SIGKILL") throw new Error(`the service ended with code ${child.exitCode}`);
      return undefined;
    }
    return new CrashChild(child, exit, JSON.parse(ready[0]));
  }

  /** Aborts when the process is dead. */
  get dead(): AbortSignal {
    return this.#dead.signal;
  }

  /** False also when it ended by itself, as by an error. */
  get wasKilled(): boolean {
    return this.#process.signalCode === "SIGKILL";
  }

  async kill(): Promise<void> {
    this.#process.kill("SIGKILL");
    await this.#exit;
  }

  /** To be called when something has failed: that is right if the process is dead; else the failure is thrown. */
  async mustBeDead(failure: unknown): Promise<void> {
    const timer = AbortSignal.timeout(DEATH_LIMIT_MS);
    const late = once(timer, "abort").then(() => "late");
    if ((await Promise.race([this.#exit, late])) === "late") throw failure;
  }
}
