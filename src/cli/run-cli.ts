import { CommanderError } from "commander";
import { ConfigError } from "../config/problem.ts";
import type { CliContext } from "./cli-context.ts";
import { usageError } from "./cli-error.ts";
import type { Runner } from "./command.ts";
import { EXIT } from "./exit-codes.ts";
import { loadCommands } from "./load-commands.ts";
import { Output } from "./output.ts";
import { buildProgram } from "./program.ts";
import { toCliError } from "./told-error.ts";

/** Runs the command line and gives the exit code. Tells every error on stderr; never throws. */
export async function runCli(context: CliContext): Promise<number> {
  let exitCode: number = EXIT.ok;
  const wantsJson = context.args.includes("--json");
  const run: Runner = (body) =>
    async function (this) {
      const options = this.opts();
      const output = new Output(context, options.json === true);
      exitCode = await body({ context, output }, options as never, this.args);
    };
  const writes: string[] = [];
  const errorWrites: string[] = [];
  const output = new Output(context, wantsJson);
  try {
    const program = buildProgram(
      await loadCommands(context.args),
      run,
      (text) => writes.push(text),
      (text) => errorWrites.push(text),
      output.columns,
    );
    await program.parseAsync([...context.args], { from: "user" });
  } catch (error) {
    exitCode = await tellError(error, output);
  }
  if (writes.length > 0) await output.write(writes.join(""));
  if (errorWrites.length > 0) await output.note(errorWrites.join("").trimEnd());
  return exitCode;
}

async function tellError(error: unknown, output: Output): Promise<number> {
  if (error instanceof CommanderError) return tellCommanderError(error, output);
  if (error instanceof ConfigError) return tellConfigError(error, output);
  const told = toCliError(error);
  await output.error(told);
  return told.exitCode;
}

async function tellCommanderError(error: CommanderError, output: Output): Promise<number> {
  if (error.exitCode === 0) return EXIT.ok;
  // The help of a command that needs a subcommand is all there is to say.
  if (error.code === "commander.help") return EXIT.usage;
  await output.error(usageError(error.message.replace(/^error: /, "").replaceAll("\n", " ")));
  return EXIT.usage;
}

async function tellConfigError(error: ConfigError, output: Output): Promise<number> {
  for (const problem of error.problems) {
    const { setting, origin, message } = problem;
    const text = output.json
      ? JSON.stringify({
          error: { reason: "CONFIG_INVALID", setting, origin, message, exit_code: EXIT.usage },
        })
      : `${output.errorStyle.bad("error")} ${output.errorStyle.bold(setting)}: ${message} ${output.errorStyle.dim(`(${origin})`)}`;
    await output.note(text);
  }
  return EXIT.usage;
}
