import type { Command } from "commander";
import type { Config } from "../config/config.ts";
import { loadConfig } from "../config/load-config.ts";
import { createLogger, type Logger } from "../log.ts";
import type { CliContext } from "./cli-context.ts";
import { type CommandBody, examples, JSON_FLAG, type Runner } from "./command.ts";
import { EXIT } from "./exit-codes.ts";
import type { Output } from "./output.ts";
import { addSettingOptions, configSources } from "./setting-options.ts";
import { alignTable } from "./table.ts";
import { untilAborted } from "./until-aborted.ts";

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
  const config = await loadConfig(configSources(context, options));
  const log = processLogger(context, config);
  const { createService } = await import("../service.ts");
  await using service = createService(config, { log });
  const addresses = await service.start();
  await printReady(output, addresses);
  await Promise.race([untilAborted(context.signal), service.waitUntilFailed]);
  await service.drain();
  return EXIT.ok;
};

/** The logger of a process that serves: to stderr, readable on a terminal. */
function processLogger(context: CliContext, config: Config): Logger {
  const { level, format } = config.log;
  const isPretty = format === "pretty" || (format === "auto" && context.stderr.isTTY === true);
  const write = (line: string): void => {
    context.stderr.write(line, () => undefined);
  };
  return createLogger({ level, format: isPretty ? "pretty" : "json", write, now: context.clock.now });
}

async function printReady(output: Output, addresses: Readonly<Record<string, string>>): Promise<void> {
  if (output.json) return output.jsonLine({ event: "ready", ...addresses });
  const { bold, good, dim } = output.style;
  const rows = Object.entries(addresses).map(([name, address]) => [`  ${bold(name)}`, address || dim("off")]);
  await output.line(`${good("ready")}; Ctrl+C stops`);
  for (const line of alignTable(rows)) await output.line(line);
}
