import type { Command } from "commander";
import { type CommandBody, examples, JSON_FLAG, type Runner } from "./command.ts";
import type { ExportOptions } from "./log/export.ts";
import type { StatsOptions } from "./log/stats.ts";
import type { VerifyCommandOptions } from "./log/verify.ts";
import { countOption, listOption, repeatedOption } from "./option-values.ts";

const POSITION = "a time such as 2026-05-04T09:30:00Z, or a cursor";

const verify: CommandBody<VerifyCommandOptions> = async (...call) =>
  (await import("./log/verify.ts")).verify(...call);
const stats: CommandBody<StatsOptions> = async (...call) => (await import("./log/stats.ts")).stats(...call);
const exportEvents: CommandBody<ExportOptions> = async (...call) =>
  (await import("./log/export.ts")).exportEvents(...call);

/**
 * Adds `log verify`, `log stats` and `log export`. What they do is loaded when
 * one of them runs: no other command needs the engine of the log.
 */
export function addLogCommand(program: Command, run: Runner): void {
  const log = program
    .command("log")
    .description("Look into the event log's file. Works beside a running service and changes nothing.");
  addVerify(log, run);
  addStats(log, run);
  addExport(log, run);
}

function addVerify(log: Command, run: Runner): void {
  addDataDirectoryOptions(
    log
      .command("verify")
      .description("Check the whole log: exit code 0 when it is sound, 1 when it is damaged.")
      .option("--marks", "also work out again which events are superseded; slow for messages with very many")
      .option(...JSON_FLAG),
  )
    .addHelpText(
      "after",
      examples(
        "infobip-rpc log verify --data-dir /var/lib/infobip-rpc",
        "infobip-rpc log verify --config service.yaml --json",
      ),
    )
    .action(run(verify));
}

function addStats(log: Command, run: Runner): void {
  addDataDirectoryOptions(
    log
      .command("stats")
      .description("Tell what is in the log: range, events by kind and channel, storage, subscriptions.")
      .option(...JSON_FLAG),
  )
    .addHelpText(
      "after",
      examples(
        "infobip-rpc log stats --data-dir /var/lib/infobip-rpc",
        "infobip-rpc log stats --json | jq .subscriptions",
      ),
    )
    .action(run(stats));
}

function addExport(log: Command, run: Runner): void {
  addDataDirectoryOptions(
    log
      .command("export")
      .description("Write events as JSON lines, in the order of the log; how many they were goes to stderr.")
      .option("--output <file>", "write to this file instead of stdout")
      .option("--force", "replace the file when it is there")
      .option("--from <position>", `begin: earliest, ${POSITION}, whose event is left out`, "earliest")
      .option("--until <position>", `end: latest, ${POSITION}, whose event is the last`, "latest")
      .option("--type <types>", "only these kinds of event, such as delivery_report,seen_report", listOption)
      .option("--message-id <id>", "only this message; repeatable", repeatedOption)
      .option("--raw", "with each event the webhook item as Infobip sent it")
      .option("--limit <count>", "stop after this many events", countOption)
      .option(...JSON_FLAG),
  )
    .addHelpText(
      "after",
      examples(
        "infobip-rpc log export --output events.jsonl",
        "infobip-rpc log export --from 2026-05-04 --until 2026-05-05 --type delivery_report | gzip > day.jsonl.gz",
        "infobip-rpc log export --message-id order-17 --raw",
      ),
    )
    .action(run(exportEvents));
}

/** The flags that name the data directory, as `serve` takes them. */
function addDataDirectoryOptions(command: Command): Command {
  return command
    .option("--data-dir <path>", "folder of the event log (default: ./data)")
    .option("--config <file>", "YAML file with settings; else INFOBIP_RPC_CONFIG names it");
}
