import { fromBinary, toJson } from "@bufbuild/protobuf";
import { type Event, EventSchema } from "../../../gen/infobip/events/v1/event_pb.js";
import { exportPages } from "../../eventlog/embedded/log-export.ts";
import { ReadOnlyLog } from "../../eventlog/embedded/read-only-log.ts";
import type { EventRecord } from "../../eventlog/event-log.ts";
import { CliError } from "../cli-error.ts";
import type { CommandBody, Session } from "../command.ts";
import { EXIT } from "../exit-codes.ts";
import { dataDirectory } from "./data-directory.ts";
import { type ExportOutputOptions, type WritePiece, withExportOutput } from "./export-output.ts";
import { type ExportRangeOptions, exportRange } from "./export-range.ts";
import { exportTransfer } from "./export-transfer.ts";

/** Flags of `log export`. */
export interface ExportOptions extends ExportRangeOptions, ExportOutputOptions {
  /** See {@link exportTransfer} for `transfer`. */
  readonly format: "json" | "transfer";
  readonly limit?: number;
}

/** What an export has come to. */
interface ExportResult {
  readonly events: number;
  readonly hasGap: boolean;
  /** STOPPED: by a signal. READER_GONE: nobody reads the output any more. */
  readonly end: "DONE" | "STOPPED" | "READER_GONE";
}

/** Body of `log export`. */
export const exportEvents: CommandBody<ExportOptions> = async (session, options) => {
  const directory = await dataDirectory(session.context, { ...options });
  if (options.format === "transfer") return await exportTransfer(session, directory, options);
  using file = ReadOnlyLog.open(directory);
  const result = await withExportOutput(session, directory, options, (write) =>
    writeEvents(session, file, options, write),
  );
  await tell(session, result);
  return result.end === "STOPPED" || result.hasGap ? EXIT.failure : EXIT.ok;
};

async function writeEvents(
  { context }: Session,
  file: ReadOnlyLog,
  options: ExportOptions,
  write: WritePiece,
): Promise<ExportResult> {
  const limit = options.limit ?? Number.POSITIVE_INFINITY;
  let events = 0;
  let hasGap = false;
  for (const page of exportPages(file, exportRange(file, options))) {
    if (context.signal.aborted) return { events, hasGap, end: "STOPPED" };
    hasGap ||= page.hasGap;
    const records = page.records.slice(0, limit - events);
    if (records.length > 0 && !(await write(linesOf(records)))) return { events, hasGap, end: "READER_GONE" };
    events += records.length;
    if (events >= limit) break;
  }
  return { events, hasGap, end: "DONE" };
}

function linesOf(records: readonly EventRecord[]): string {
  let lines = "";
  for (const record of records) lines += `${JSON.stringify(toJson(EventSchema, decode(record)))}\n`;
  return lines;
}

function decode({ sequence, encoded }: EventRecord): Event {
  try {
    return fromBinary(EventSchema, encoded);
  } catch (cause) {
    const advice = "log verify tells what else is wrong, and --from with a later time exports the rest";
    throw new CliError("EVENT_UNREADABLE", `event ${sequence} cannot be decoded; ${advice}`, { cause });
  }
}

async function tell({ output }: Session, { events, hasGap, end }: ExportResult): Promise<void> {
  if (output.json) {
    await output.note(JSON.stringify({ event: "exported", events, complete: end === "DONE" && !hasGap }));
    return;
  }
  await output.note(`${events} events exported${end === "STOPPED" ? "; stopped before the end" : ""}`);
  if (hasGap) await output.note("retention has removed events meanwhile that are not in the export");
}
