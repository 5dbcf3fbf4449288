import type { Command } from "commander";
import { loadConfig, readConfig } from "../config/load-config.ts";
import { ConfigError } from "../config/problem.ts";
import { tlsFileProblems } from "../config/tls-files.ts";
import { configWarnings } from "../config/warnings.ts";
import { webhookUrls } from "../webhook/webhook-urls.ts";
import { checkCallersFile } from "./callers-file.ts";
import { type CommandBody, examples, JSON_FLAG, type Runner } from "./command.ts";
import { EXIT } from "./exit-codes.ts";
import type { Output } from "./output.ts";
import { addSettingOptions, configSources } from "./setting-options.ts";
import { alignTable, printable } from "./table.ts";

/** Adds `config print` and `config check`. */
export function addConfigCommand(program: Command, run: Runner): void {
  const config = program.command("config").description("Show or check the configuration.");
  addSettingOptions(
    config
      .command("print")
      .description("Print every setting with its value and where the value comes from. Secrets stay hidden.")
      .option(...JSON_FLAG),
  )
    .addHelpText(
      "after",
      examples("infobip-rpc config print --config service.yaml", "infobip-rpc config print --json"),
    )
    .action(run(print));
  addSettingOptions(
    config
      .command("check")
      .description("Check the configuration, and print the webhook URLs to give to Infobip.")
      .option("--show-secret", "print the webhook URLs with their secret")
      .option(...JSON_FLAG),
  )
    .addHelpText("after", examples("infobip-rpc config check --config service.yaml --show-secret"))
    .action(run(check));
}

const print: CommandBody<Record<string, unknown>> = async ({ context, output }, options) => {
  const { settings, problems } = await readConfig(configSources(context, options));
  if (output.json) {
    for (const { path, shown, origin } of settings) {
      await output.jsonLine({ setting: path, value: shown, origin: origin.name, source: origin.kind });
    }
  } else {
    const { bold, dim, info } = output.style;
    const rows = settings.map(({ path, shown, origin }) => {
      const paint = origin.kind === "default" ? dim : info;
      return [path, shown === "" ? dim("–") : printable(shown), paint(origin.name)];
    });
    for (const line of alignTable([["setting", "value", "origin"].map(bold), ...rows]))
      await output.line(line);
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return EXIT.ok;
};

const check: CommandBody<Record<string, unknown>> = async ({ context, output }, options) => {
  const config = await loadConfig(configSources(context, options));
  const tlsProblems = await tlsFileProblems(config, context.files.read, context.clock.now());
  if (tlsProblems.length > 0) throw new ConfigError(tlsProblems);
  const showSecret = options.showSecret === true;
  const urls = webhookUrls(config.webhook, showSecret ? undefined : String);
  const warnings = configWarnings(config);
  const { callersFile } = config.auth;
  const callers = callersFile === undefined ? undefined : await checkCallersFile(context, callersFile);
  if (output.json) {
    await output.jsonLine({
      ok: true,
      webhook_urls: urls,
      ...(callers === undefined ? {} : { callers }),
      ...(warnings.length > 0 ? { warnings } : {}),
    });
    return EXIT.ok;
  }
  await output.line(`${output.style.good("ok")} the configuration can be used`);
  if (callers !== undefined) await output.line(`  callers in ${callersFile}: ${callers}`);
  for (const { setting, message } of warnings) {
    await output.line(`${output.style.warn("warning")} ${output.style.bold(setting)}: ${message}`);
  }
  if (urls !== undefined) await printUrls(output, urls, showSecret);
  return EXIT.ok;
};

async function printUrls(
  output: Output,
  urls: Readonly<Record<string, string>>,
  shown: boolean,
): Promise<void> {
  await output.line("\nWebhook URLs to give to Infobip:");
  const rows = Object.entries(urls).map(([route, url]) => [`  ${route}`, url]);
  for (const line of alignTable(rows)) await output.line(line);
  if (!shown) await output.line(output.style.dim("\nThe secret is hidden; --show-secret prints it."));
}
