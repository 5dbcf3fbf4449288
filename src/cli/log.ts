import { type Command, Option } from "commander";
import { type CommandBody, examples, JSON_FLAG, type Runner } from "./command.ts";
import type { ExportOptions } from "./log/export.ts";
import type { ImportOptions } from "./log/import.ts";
import { isImportSetting } from "./log/import-setting-paths.ts";
import type { StatsOptions } from "./log/stats.ts";
import type { VerifyCommandOptions } from "./log/verify.ts";
import { countOption, listOption, repeatedOption } from "./option-values.ts";
import { addSettingOptions } from "./setting-options.ts";

const POSITION = "a time such as 2026-05-04T09:30:00Z, or a cursor";

const verify: CommandBody<VerifyCommandOptions> = async (...call) =>
  (await import("./log/verify.ts")).verify(...call);
const stats: CommandBody<StatsOptions> = async (...call) => (await import("./log/stats.ts")).stats(...call);
const exportEvents: CommandBody<ExportOptions> = async (...call) =>
  (await import("./log/export.ts")).exportEvents(...call);

const importLog: CommandBody<ImportOptions> = async (...call) =>
  (await import("./log/import.ts")).importTransfer(...call);

/**
 * Adds `log verify`, `log stats`, `log export` and `log import`. What they do is
 * loaded when one of them runs: no other command needs the engines of the log.
 */
export function addLogCommand(program: Command, run: Runner): void {
  const log = program
    .command("log")
    .description(
      "Look into the event log's file, beside a running service, and move a log to NATS JetStream.",
    );
  addVerify(log, run);
  addStats(log, run);
  addExport(log, run);
  addImport(log, run);
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
      .description(
        "Write events as JSON lines, in the order of the log; how many they were goes to stderr. " +
          "With --format transfer: everything that the log holds, for log import.",
      )
      .addOption(
        new Option("--format <format>", "json lines of events, or a transfer file of everything")
          .choices(["json", "transfer"])
          .default("json"),
      )
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
        "infobip-rpc log export --format transfer --output log.transfer",
      ),
    )
    .action(run(exportEvents));
}

function addImport(log: Command, run: Runner): void {
  const command = log
    .command("import")
    .description(
      "Read a transfer file from stdin, as log export --format transfer writes it, and fill the streams of a " +
        "service on NATS JetStream with it. Give the settings that the service will have. An import that was " +
        "interrupted goes on when it is repeated.",
    )
    .option(...JSON_FLAG)
    .addHelpText(
      "after",
      examples(
        "infobip-rpc log import --eventlog-url nats://nats.internal:4222 < log.transfer",
        "infobip-rpc log export --format transfer | ssh edge infobip-rpc log import --config service.yaml",
      ),
    )
    .action(run(importLog));
  addSettingOptions(command, isImportSetting);
}

/** The flags that name the data directory, as `serve` takes them. */
function addDataDirectoryOptions(command: Command): Command {
  return command
    .option("--data-dir <path>", "folder of the event log (default: ./data)")
    .option("--config <file>", "YAML file with settings; else INFOBIP_RPC_CONFIG names it");
}
