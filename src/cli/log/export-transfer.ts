import { TransferSource } from "../../eventlog/embedded/transfer-source.ts";
import { TransferError } from "../../eventlog/transfer/transfer-error.ts";
import { NO_ITEMS, type TransferCounts } from "../../eventlog/transfer/transfer-format.ts";
import { writeTransfer } from "../../eventlog/transfer/write-transfer.ts";
import { CliError, usageError } from "../cli-error.ts";
import type { Session } from "../command.ts";
import { EXIT } from "../exit-codes.ts";
import type { ExportOptions } from "./export.ts";
import { type WritePiece, withExportOutput } from "./export-output.ts";
import { ProgressLine } from "./progress-line.ts";
import { countsToJson, countsToText } from "./transfer-counts.ts";

/** What an export of everything has come to. */
interface TransferResult {
  readonly counts: TransferCounts;
  readonly bytes: number;
  readonly isWhole: boolean;
}

/** `log export --format transfer`: writes everything that a log holds, for `log import`. */
export async function exportTransfer(
  session: Session,
  directory: string,
  options: ExportOptions,
): Promise<number> {
  requireNoChoice(options);
  if (options.output === undefined && session.output.isTerminal)
    throw usageError("--format transfer writes bytes that are no text: name a file with --output, or a pipe");
  using source = TransferSource.open(directory, session.context.clock.now());
  const result = await withExportOutput(session, directory, options, (write) =>
    writePieces(session, source, write),
  ).catch((error: unknown) => {
    throw error instanceof TransferError ? toCliError(error) : error;
  });
  await tell(session, result);
  return result.isWhole ? EXIT.ok : EXIT.failure;
}

/** The error of the command line for a transfer file that cannot be written or read. */
export function toCliError(error: TransferError): CliError {
  return new CliError(`TRANSFER_${error.reason}`, error.message, { cause: error });
}

/** A part of a log would make another log: what its subscriptions and cursors stand on would be missing. */
function requireNoChoice(options: ExportOptions): void {
  const { from, until, type, messageId, raw, limit } = options;
  const isChosen = from !== "earliest" || until !== "latest" || raw === true;
  if (isChosen || type !== undefined || messageId !== undefined || limit !== undefined)
    throw usageError(
      "--format transfer writes everything; leave out --from, --until, --type, --message-id, --raw and --limit",
    );
}

async function writePieces(
  { context, output }: Session,
  source: TransferSource,
  write: WritePiece,
): Promise<TransferResult> {
  using progress = new ProgressLine(context, output.json);
  let written = 0;
  let last = NO_ITEMS;
  for (const { bytes, counts } of writeTransfer(source.header, source.items())) {
    last = counts;
    if (context.signal.aborted || !(await write(bytes))) return { counts, bytes: written, isWhole: false };
    written += bytes.length;
    progress.show(`${counts.events} of ${source.header.counts.events} events written`);
  }
  return { counts: last, bytes: written, isWhole: true };
}

async function tell({ output }: Session, { counts, bytes, isWhole }: TransferResult): Promise<void> {
  if (output.json) {
    const facts = { event: "exported", ...countsToJson(counts), bytes, complete: isWhole };
    return await output.note(JSON.stringify(facts));
  }
  const end = isWhole ? "" : "; stopped before the end, so log import will not take it";
  await output.note(`${countsToText(counts)} exported, ${bytes} bytes${end}`);
}
