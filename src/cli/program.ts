import { Command } from "commander";
import packageJson from "../../package.json" with { type: "json" };
import type { AddCommand, Runner } from "./command.ts";

const EXIT_CODES = `
Exit codes:
  0  done
  1  failed, or the answer is no
  2  wrong use or wrong configuration; nothing was done
  3  a request left and its outcome is unknown; do not simply repeat it
  4  the service cannot be reached; safe to repeat
  5  the time was up before everything expected had come
`;

/** Version of this package. */
export const VERSION: string = packageJson.version;

/** The command line with these commands. `write` and `writeError` take help texts, at most `columns` wide. */
export function buildProgram(
  commands: readonly AddCommand[],
  run: Runner,
  write: (text: string) => void,
  writeError: (text: string) => void,
  columns: number,
): Command {
  const program = new Command("infobip-rpc")
    .description("gRPC and Connect service in front of Infobip's Messages API.")
    .version(VERSION, "--version", "print the version")
    .helpOption("-h, --help", "print this help")
    .exitOverride()
    .configureOutput({
      writeOut: write,
      writeErr: writeError,
      outputError: () => undefined,
      getOutHelpWidth: () => columns,
      getErrHelpWidth: () => columns,
    })
    .addHelpText("after", EXIT_CODES);
  for (const add of commands) add(program, run);
  return program;
}
