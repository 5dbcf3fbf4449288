import type { Command } from "commander";
import type { Config } from "../config/config.ts";
import type { ConfigSources } from "../config/load-config.ts";
import { ConfigError } from "../config/problem.ts";
import { Reload, readWithFiles } from "../config/reload.ts";
import { createLogger, type Logger } from "../log.ts";
import type { Service } from "../service.ts";
import { settlesWithin } from "../settles-within.ts";
import { systemTimer } from "../timer.ts";
import type { CliContext } from "./cli-context.ts";
import { CliError } from "./cli-error.ts";
import { type CommandBody, examples, JSON_FLAG, type Runner } from "./command.ts";
import { EXIT } from "./exit-codes.ts";
import { LineBuffer } from "./line-buffer.ts";
import type { Output } from "./output.ts";
import { ProcessEnd } from "./process-end.ts";
import { addSettingOptions, configSources } from "./setting-options.ts";
import { alignTable } from "./table.ts";
import { toCliError } from "./told-error.ts";
import { untilAborted } from "./until-aborted.ts";

/**
 * Longest time that closing may take after a drain, in milliseconds. What is still open then is cut. Answers of
 * Infobip to calls that the drain has cut are still waited for and stored, for five seconds.
 */
const CLOSE_TIMEOUT_MS = 7_000;

/** Adds `serve`. */
export function addServeCommand(program: Command, run: Runner): void {
  const command = program
    .command("serve")
    .description("Run the service until a signal comes. The log goes to stderr.")
    .option(...JSON_FLAG)
    .addHelpText(
      "after",
      examples(
        "infobip-rpc serve --config service.yaml",
        "INFOBIP_RPC_UPSTREAM_API_KEY_FILE=/run/secrets/key infobip-rpc serve --upstream-base-url https://xxxxx.api.infobip.com",
      ),
    )
    .action(run(serve));
  addSettingOptions(command);
}

const serve: CommandBody<Record<string, unknown>> = async ({ context, output }, options) => {
  const end = new ProcessEnd(context);
  try {
    return await serveUntilEnd(context, output, { end, sources: configSources(context, options) });
  } catch (error) {
    const { reason, message } = toCliError(error);
    end.because(error instanceof ConfigError ? "CONFIG_INVALID" : reason, message);
    throw error;
  } finally {
    end.flush();
  }
};

/** How a service is begun and ended. */
interface Serving {
  readonly end: ProcessEnd;
  readonly sources: ConfigSources;
}

async function serveUntilEnd(
  context: CliContext,
  output: Output,
  { end, sources }: Serving,
): Promise<number> {
  // A signal that comes before the service runs must not end it; what it asks for is done once it runs.
  let isAskedEarly = false;
  let reloadAll = (): void => {
    isAskedEarly = true;
  };
  const callOff = context.process.onReload(() => reloadAll());
  const started = await readWithFiles(sources);
  const { config, problems, values } = started.reading;
  end.file = values.termination_message_file;
  if (config === undefined) throw new ConfigError(problems);
  const log = processLogger(context, config, end);
  context.process.onCrash((error) => tellCrash(error, log, end));
  const { createService } = await import("../service.ts");
  const service = createService(config, { log });
  end.stateOf = () => service.state;
  try {
    const addresses = await starting(service, end);
    const apply = (next: Config): void => service.apply(next);
    using reload = await Reload.open({ sources, started, apply, log, timer: systemTimer });
    reloadAll = () => {
      void reload.reload();
      void service.reloadFiles();
    };
    if (isAskedEarly) reloadAll();
    await printReady(output, addresses);
    return await running(service, context, end);
  } finally {
    callOff();
    await closing(service, end);
  }
}

async function starting(service: Service, end: ProcessEnd): Promise<Readonly<Record<string, string>>> {
  try {
    return await service.start();
  } catch (error) {
    const { reason, message } = toCliError(error);
    end.because(reason, message);
    throw new CliError(reason, message, { exitCode: EXIT.startFailed, cause: error });
  }
}

/** Serves until a signal comes or the service fails; gives the exit code. */
async function running(service: Service, context: CliContext, end: ProcessEnd): Promise<number> {
  try {
    await Promise.race([untilAborted(context.signal), service.waitUntilFailed]);
  } catch (error) {
    const { reason, message } = toCliError(error);
    end.because(reason, message);
    throw new CliError(reason, message, { exitCode: EXIT.failedRunning, cause: error });
  }
  if (await service.drain()) return EXIT.ok;
  end.because("DRAIN_TIMEOUT", "drain_timeout passed while work was in progress, which was cut");
  return EXIT.drainCut;
}

/** Closes what is open; whatever hangs does not keep the process. */
async function closing(service: Service, end: ProcessEnd): Promise<void> {
  const closed = (async () => service[Symbol.asyncDispose]())();
  if (await settlesWithin(closed, CLOSE_TIMEOUT_MS)) return;
  end.because("CLOSE_TIMEOUT", "closing took too long; what was open was cut");
}

function tellCrash(error: unknown, log: Logger, end: ProcessEnd): number {
  log.error("an error that nobody had foreseen ends the process", { error, exitCode: EXIT.crashed });
  end.because("CRASHED", "an error that nobody had foreseen; the last line of the log has its stack frames");
  return EXIT.crashed;
}

/** The logger of a process that serves: to stderr, readable on a terminal. */
function processLogger(context: CliContext, config: Config, end: ProcessEnd): Logger {
  const lines = new LineBuffer((text) => void context.stderr.write(text, () => undefined));
  end.flush = () => lines.flush();
  const { level, format } = config.log;
  const isPretty = format === "pretty" || (format === "auto" && context.stderr.isTTY === true);
  return createLogger({
    level,
    format: isPretty ? "pretty" : "json",
    write: lines.write,
    now: context.clock.now,
  });
}

async function printReady(output: Output, addresses: Readonly<Record<string, string>>): Promise<void> {
  if (output.json) return output.jsonLine({ event: "ready", ...addresses });
  const { bold, good, dim } = output.style;
  const rows = Object.entries(addresses).map(([name, address]) => [`  ${bold(name)}`, address || dim("off")]);
  await output.line(`${good("ready")}; Ctrl+C stops`);
  for (const line of alignTable(rows)) await output.line(line);
}
