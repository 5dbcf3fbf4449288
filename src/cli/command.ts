import type { Command } from "commander";
import type { CliContext } from "./cli-context.ts";
import type { Output } from "./output.ts";

/** One run of a command. */
export interface Session {
  readonly context: CliContext;
  readonly output: Output;
}

/** Body of a command; gives the exit code. Throws CliError or ConfigError. */
export type CommandBody<O> = (session: Session, options: O, positional: readonly string[]) => Promise<number>;

/** Makes a commander action of a body. */
export type Runner = <O extends object>(
  body: CommandBody<O>,
) => (this: Command, ...args: unknown[]) => Promise<void>;

/** Adds one command to the program. */
export type AddCommand = (program: Command, run: Runner) => void;

/** Text of the --json flag, the same everywhere. */
export const JSON_FLAG = [
  "--json",
  "print JSON lines on stdout; errors are one JSON line on stderr",
] as const;

/** Examples for the end of a help text. */
export function examples(...lines: readonly string[]): string {
  return ["", "Examples:", ...lines.map((line) => `  ${line}`), ""].join("\n");
}
