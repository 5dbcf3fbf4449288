import { type Command, InvalidArgumentError, Option } from "commander";
import type { SimulatorOptions } from "../simulator/options.ts";
import { usageError } from "./cli-error.ts";
import { type CommandBody, examples, JSON_FLAG, type Runner } from "./command.ts";
import { EXIT } from "./exit-codes.ts";
import { millisecondsOption, timeFlag } from "./option-values.ts";
import { untilAborted } from "./until-aborted.ts";

interface SimulateOptions {
  readonly host: string;
  readonly port: number;
  readonly apiKey?: string;
  readonly errorStyle: "api-error" | "legacy";
  readonly deliveryUrl?: string;
  readonly seenUrl?: string;
  readonly clickUrl?: string;
  readonly inboundUrl?: string;
  readonly allowRemoteWebhooks?: boolean;
  readonly reportDelay: number;
  readonly stepDelay: number;
  readonly lateDelay: number;
  readonly batchWindow: number;
  readonly webhookTimeout: number;
  readonly timeScale: number;
  readonly seed: number;
  readonly acceptDuplicates?: boolean;
}

/** Flags that take a time: the flag, what it is, and its default in milliseconds. */
const TIMES = [
  ["--report-delay <time>", "from sending to the first final report", 50],
  ["--step-delay <time>", "from one step of a behaviour to the next", 50],
  ["--late-delay <time>", "from sending to the report of a late message", 5_000],
  ["--batch-window <time>", "time for which reports are collected into one webhook request", 5],
  ["--webhook-timeout <time>", "time until a webhook that does not answer counts as failed", 10_000],
] as const;

/** Adds `simulate`. */
export function addSimulateCommand(program: Command, run: Runner): void {
  const command = program
    .command("simulate")
    .description(
      "Run a simulator of Infobip's Messages API until a signal comes. docs/simulator.md says what it can do.",
    )
    .option(
      "--host <host>",
      "address to listen on; the control endpoints ask for no credentials",
      "127.0.0.1",
    )
    .option("--port <port>", "port to listen on; 0 takes a free one", portOption, 0)
    .option("--api-key <key>", "the only API key accepted; without it every scheme with the word `simulator`")
    .addOption(
      new Option("--error-style <style>", "style of error bodies")
        .choices(["api-error", "legacy"])
        .default("api-error"),
    )
    .option("--delivery-url <url>", "webhook of delivery reports for messages that name none")
    .option("--seen-url <url>", "webhook of seen reports for messages that name none")
    .option("--click-url <url>", "webhook of click reports for requests that name none")
    .option("--inbound-url <url>", "webhook of inbound messages and typing")
    .option(
      "--allow-remote-webhooks",
      "call webhooks on other machines too; otherwise only loopback URLs are called",
    );
  for (const [flags, description, defaultMs] of TIMES) {
    command.addOption(timeFlag(flags, description, defaultMs, millisecondsOption));
  }
  command
    .option(
      "--time-scale <factor>",
      "factor on the webhook retry ladder and on the wait for sendAt",
      scaleOption,
      1,
    )
    .option("--seed <number>", "seed of the faults that strike by chance", seedOption, 1)
    .option("--accept-duplicates", "accept a message id that was seen before")
    .option(...JSON_FLAG)
    .addHelpText(
      "after",
      examples(
        "infobip-rpc simulate --port 8099",
        "infobip-rpc simulate --port 0 --json --time-scale 0.001 --inbound-url http://127.0.0.1:8081/v1/inbound/SECRET",
      ),
    )
    .action(run(simulate));
}

const simulate: CommandBody<SimulateOptions> = async ({ context, output }, options) => {
  const { createSimulator } = await import("../simulator/simulator.ts");
  await using simulator = createSimulator(simulatorOptions(options));
  const baseUrl = await simulator.start().catch((error: NodeJS.ErrnoException) => {
    throw usageError(`cannot listen on ${options.host}:${options.port}: ${error.code ?? error.message}`);
  });
  if (output.json) await output.jsonLine({ event: "ready", base_url: baseUrl });
  else {
    await output.line(`${output.style.good("ready")} ${output.style.bold(baseUrl)}; Ctrl+C stops`);
    await output.line(output.style.dim(`  Authorization: App ${options.apiKey ?? "simulator"}`));
  }
  await untilAborted(context.signal);
  return EXIT.ok;
};

function simulatorOptions(options: SimulateOptions): SimulatorOptions {
  const {
    apiKey,
    batchWindow,
    webhookTimeout,
    reportDelay,
    stepDelay,
    lateDelay,
    acceptDuplicates,
    ...same
  } = options;
  return {
    ...same,
    batchWindowMs: batchWindow,
    webhookTimeoutMs: webhookTimeout,
    reportDelayMs: reportDelay,
    stepDelayMs: stepDelay,
    lateDelayMs: lateDelay,
    refuseDuplicates: acceptDuplicates !== true,
    ...(apiKey === undefined ? {} : { credentials: [{ scheme: "App", key: apiKey }] }),
  };
}

function portOption(text: string): number {
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return Number(text);
  throw new InvalidArgumentError("Give a port, 0 to 65535.");
}

function scaleOption(text: string): number {
  const factor = Number(text);
  if (factor > 0 && factor <= 1000) return factor;
  throw new InvalidArgumentError("Give a number above 0 and at most 1000.");
}

function seedOption(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("Give a whole number.");
}
