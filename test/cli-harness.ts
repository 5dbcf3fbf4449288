import type { CliClock, CliContext, CliFiles, TextSink } from "../src/cli/cli-context.ts";
import { freePort } from "../src/cli/free-port.ts";
import { NODE_FILES } from "../src/cli/node-files.ts";
import { runCli } from "../src/cli/run-cli.ts";

/** What a run of the command line left behind. */
export interface CliResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** How to run the command line. */
export interface CliRunOptions {
  readonly stdin?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly isTTY?: boolean;
  readonly signal?: AbortSignal;
  /** Takes the place of this machine's files. */
  readonly files?: CliFiles;
  /** Takes the place of this machine's time. */
  readonly sleep?: CliClock["sleep"];
  /** Told of every line on stdout as it comes. */
  readonly onLine?: (line: string) => void;
}

/** Runs the command line in this process, with text instead of a terminal. */
export async function cli(args: readonly string[], options: CliRunOptions = {}): Promise<CliResult> {
  const stdout = sink(options.isTTY, options.onLine);
  const stderr = sink(options.isTTY);
  const context: CliContext = {
    args,
    environment: options.environment ?? {},
    stdin: (async function* () {
      yield Buffer.from(options.stdin ?? "");
    })(),
    stdout,
    stderr,
    signal: options.signal ?? new AbortController().signal,
    files: options.files ?? NODE_FILES,
    clock: { now: Date.now, random: () => 0.5, sleep: options.sleep ?? sleep },
    freePort,
  };
  const exitCode = await runCli(context);
  return { exitCode, stdout: stdout.text(), stderr: stderr.text() };
}

/** JSON lines of an output. */
export function jsonLines(text: string): Record<string, unknown>[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

function sink(isTTY: boolean | undefined, onLine?: (line: string) => void): TextSink & { text(): string } {
  let all = "";
  return {
    isTTY,
    columns: 100,
    text: () => all,
    write(text, done) {
      all += text;
      for (const line of text.split("\n")) if (line !== "") onLine?.(line);
      done();
    },
  };
}

/** Resolves after the time, or when the signal aborts. */
export function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
