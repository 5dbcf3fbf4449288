import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

const MAIN = new URL("../../src/main.ts", import.meta.url).pathname;
/** Lines of its log that are kept, the latest. */
const KEPT_LINES = 2_000;

/** Processes that run; they must not outlive a test run that ends early. */
const running = new Set<ChildProcess>();
process.once("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/** Where a process listens, host:port; empty for a listener that is off. */
export interface ProcessAddresses {
  readonly grpc: string;
  readonly webhook: string;
  readonly admin: string;
}

/** A line of the service's log. */
export type LogLine = Readonly<Record<string, unknown>>;

/** What a process is started with. */
export interface FleetProcessOptions {
  readonly name: string;
  /** Command line flags by name, with `--`. */
  readonly flags: Readonly<Record<string, string>>;
  /** Called when it has become ready, and when it has ended. */
  readonly onChanged: () => void;
}

/** The service in a process of its own that can be killed, stopped, paused and started again. */
export class FleetProcess implements AsyncDisposable {
  readonly name: string;
  /** What the present incarnation has logged. */
  lines: LogLine[] = [];
  readonly #options: FleetProcessOptions;
  #child: ChildProcess | undefined;
  #addresses: ProcessAddresses | undefined;
  #gone = new AbortController();
  #incarnation = 0;
  #isEnding = false;
  #crashes = 0;

  constructor(options: FleetProcessOptions) {
    this.name = options.name;
    this.#options = options;
  }

  /** Undefined while it does not run, or is not ready. */
  get addresses(): ProcessAddresses | undefined {
    return this.#addresses;
  }

  /** Aborts when the present incarnation is dead. */
  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  /** Counts the starts. */
  get incarnation(): number {
    return this.#incarnation;
  }

  /** How often it has ended though nobody had asked it to. */
  get crashes(): number {
    return this.#crashes;
  }

  /** Starts it; resolves when it is ready, and rejects with the end of its log when it does not get there. */
  async start(): Promise<void> {
    const flags = Object.entries(this.#options.flags).map(([name, value]) => `${name}=${value}`);
    const child = spawn(process.execPath, [MAIN, "serve", "--json", ...flags], {
      stdio: ["ignore", "pipe", "pipe"],
      env: { PATH: process.env.PATH, NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE },
    });
    this.#child = child;
    running.add(child);
    this.lines = [];
    this.#isEnding = false;
    this.#incarnation++;
    const gone = new AbortController();
    this.#gone = gone;
    void once(child, "exit").then(() => {
      running.delete(child);
      this.#onExit(gone);
    });
    const { lines } = this;
    createInterface(child.stderr).on("line", (line) => log(lines, line));
    const ready = once(createInterface(child.stdout), "line") as Promise<[string]>;
    const ended = once(gone.signal, "abort").then(() => undefined);
    const line = await Promise.race([ready, ended]);
    if (line === undefined) throw new Error(`${this.name} did not start: ${this.#lastLines()}`);
    this.#addresses = JSON.parse(line[0]) as ProcessAddresses;
    this.#options.onChanged();
  }

  /** Ends it with SIGKILL, and waits until it is dead. */
  kill(): Promise<void> {
    return this.#end("SIGKILL");
  }

  /** Asks it to end, and waits until it has. Resolves with its exit code. */
  async stop(): Promise<number | null> {
    await this.#end("SIGTERM");
    return this.#child?.exitCode ?? null;
  }

  /** Holds it: connections stay open and nothing answers. */
  pause(): void {
    this.#child?.kill("SIGSTOP");
  }

  resume(): void {
    this.#child?.kill("SIGCONT");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#end("SIGKILL");
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    this.#isEnding = true;
    const exited = once(child, "exit");
    child.kill(signal);
    await exited;
  }

  #onExit(gone: AbortController): void {
    if (!this.#isEnding) this.#crashes++;
    this.#addresses = undefined;
    gone.abort();
    this.#options.onChanged();
  }

  #lastLines(): string {
    return this.lines
      .slice(-5)
      .map((line) => JSON.stringify(line))
      .join("\n");
  }
}

function log(lines: LogLine[], line: string): void {
  try {
    lines.push(JSON.parse(line) as LogLine);
  } catch {
    lines.push({ msg: line });
  }
  if (lines.length > KEPT_LINES) lines.shift();
}
