import type { CliClock, CliContext, CliFiles, CliProcess, TextSink } from "../src/cli/cli-context.ts";
import { freePort } from "../src/cli/free-port.ts";
import { NODE_FILES } from "../src/cli/node-files.ts";
import { runCli } from "../src/cli/run-cli.ts";

/** What a run of the command line left behind. */
export interface CliResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  /** What went to stdout as bytes that are no text. */
  readonly stdoutBytes: Buffer;
}

/** How to run the command line. */
export interface CliRunOptions {
  readonly stdin?: string | AsyncIterable<Uint8Array>;
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

/** A process that nothing happens to. */
export const NO_PROCESS: CliProcess = {
  onReload: () => () => undefined,
  onExit: () => () => undefined,
  onCrash: () => () => undefined,
  writeNow: () => undefined,
};

/** Runs the command line in this process, with text instead of a terminal. */
export async function cli(args: readonly string[], options: CliRunOptions = {}): Promise<CliResult> {
  const stdout = sink(options.isTTY, options.onLine);
  const stderr = sink(options.isTTY);
  const context: CliContext = {
    args,
    environment: options.environment ?? {},
    stdin: stdinOf(options.stdin ?? ""),
    stdout,
    stderr,
    signal: options.signal ?? new AbortController().signal,
    files: options.files ?? NODE_FILES,
    clock: { now: Date.now, random: () => 0.5, sleep: options.sleep ?? sleep },
    process: NO_PROCESS,
    freePort,
  };
  const exitCode = await runCli(context);
  // Not enumerable: most tests compare all that a command without bytes leaves behind.
  return Object.defineProperty({ exitCode, stdout: stdout.text(), stderr: stderr.text() }, "stdoutBytes", {
    value: stdout.bytes(),
  }) as CliResult;
}

async function* stdinOf(input: string | AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  if (typeof input === "string") yield Buffer.from(input);
  else yield* input;
}

/** JSON lines of an output. */
export function jsonLines(text: string): Record<string, unknown>[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

function sink(
  isTTY: boolean | undefined,
  onLine?: (line: string) => void,
): TextSink & { text(): string; bytes(): Buffer } {
  let all = "";
  const chunks: Buffer[] = [];
  return {
    isTTY,
    columns: 100,
    text: () => all,
    bytes: () => Buffer.concat(chunks),
    write(text, done) {
      if (typeof text !== "string") {
        // The writer may use its bytes again.
        chunks.push(Buffer.from(text));
        return done();
      }
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
