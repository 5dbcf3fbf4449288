import type { ImportResult } from "../../eventlog/jetstream/import/import-log.ts";
import type { TransferHeader } from "../../eventlog/transfer/transfer-format.ts";
import type { Output } from "../output.ts";
import { countsToJson, countsToText } from "./transfer-counts.ts";

/** Tells what an import has come to; without a result the log was there already. */
export async function tellImport(
  output: Output,
  header: TransferHeader,
  result: ImportResult | undefined,
): Promise<void> {
  if (output.json) await output.jsonLine(toJson(header, result));
  else for (const line of toLines(header, result)) await output.line(line);
}

function toJson(header: TransferHeader, result: ImportResult | undefined): Record<string, unknown> {
  const { logId, earliest, head, counts } = header;
  const isWhole = result?.isWhole ?? true;
  return {
    event: "imported",
    complete: isWhole,
    already_there: result === undefined,
    log_id: logId,
    earliest,
    head,
    ...countsToJson(result?.read ?? counts),
    events_imported: result?.importedEvents ?? 0,
    events_there_before: result === undefined ? counts.events : result.presentEvents,
    answers_expired: result?.expiredAnswers ?? 0,
    // Sequences and the log's id are those of the source, or the import fails.
    cursors_kept: isWhole,
  };
}

function toLines(header: TransferHeader, result: ImportResult | undefined): string[] {
  const { logId, earliest, head } = header;
  if (result === undefined) return [`log ${logId} was imported up to ${head} before; nothing was done`];
  const { read, presentEvents, expiredAnswers, isWhole } = result;
  const there = presentEvents === 0 ? "" : `; ${presentEvents} events were there from an earlier run`;
  if (!isWhole) {
    const advice = "no service takes it for a log yet: run the same import again, it goes on here";
    return [`stopped after ${countsToText(read)}${there}`, advice];
  }
  return [
    `imported ${countsToText(read)}${there}`,
    ...(expiredAnswers === 0
      ? []
      : [`${expiredAnswers} of the answers were left out: their time has passed`]),
    `log ${logId}, ${earliest} to ${head}: cursors, page tokens and positions of subscriptions stay good`,
    "ages for retention and request ids count from here",
  ];
}
