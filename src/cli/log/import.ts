import { describeFailure } from "../../eventlog/jetstream/import/describe-failure.ts";
import { type ImportResult, importLog } from "../../eventlog/jetstream/import/import-log.ts";
import { openImport } from "../../eventlog/jetstream/import/open-import.ts";
import { TransferReader } from "../../eventlog/transfer/read-transfer.ts";
import { TransferError } from "../../eventlog/transfer/transfer-error.ts";
import type { TransferHeader } from "../../eventlog/transfer/transfer-format.ts";
import { CliError } from "../cli-error.ts";
import type { CommandBody, Session } from "../command.ts";
import { EXIT } from "../exit-codes.ts";
import { toCliError } from "./export-transfer.ts";
import { importSettings } from "./import-settings.ts";
import { tellImport } from "./import-summary.ts";
import { ProgressLine } from "./progress-line.ts";

/** Flags of `log import`: those settings that say how the streams are made. */
export type ImportOptions = Readonly<Record<string, unknown>>;

/** Body of `log import`. */
export const importTransfer: CommandBody<ImportOptions> = async (session, options) => {
  const settings = await importSettings(session.context, options);
  const directory = await session.context.files.makeTemporaryFolder();
  try {
    return await run(session, { ...settings, directory });
  } catch (error) {
    throw worded(error);
  } finally {
    await session.context.files.removeFolder(directory);
  }
};

type Settings = Parameters<typeof openImport>[0];

async function run(session: Session, settings: Settings): Promise<number> {
  const { context } = session;
  const transfer = await TransferReader.open(context.stdin[Symbol.asyncIterator]());
  const { header } = transfer;
  await using target = await openImport(settings, header);
  if (target.isDone) {
    await tellImport(session.output, header, undefined);
    return EXIT.ok;
  }
  const result = await importWithProgress(session, transfer, target, settings.answers.windowMs);
  await tellImport(session.output, header, result);
  return result.isWhole ? EXIT.ok : EXIT.failure;
}

async function importWithProgress(
  { context, output }: Session,
  transfer: TransferReader,
  target: Awaited<ReturnType<typeof openImport>>,
  answerWindowMs: number,
): Promise<ImportResult> {
  using progress = new ProgressLine(context, output.json);
  const { header } = transfer;
  return await importLog(transfer, target, {
    expiredMs: context.clock.now() - answerWindowMs,
    signal: context.signal,
    onProgress: (read) => progress.show(progressText(read.events, header)),
    onUsedUp: (sequence) => progress.show(`${sequence} of ${header.earliest} sequences passed over`),
  });
}

function progressText(events: number, { counts }: TransferHeader): string {
  if (events < counts.events) return `${events} of ${counts.events} events imported`;
  return `${events} events imported; subscriptions, submissions and answers`;
}

function worded(error: unknown): unknown {
  if (error instanceof TransferError) return toCliError(error);
  const failure = describeFailure(error);
  if (failure === undefined) return error;
  const { reason, message, outcome } = failure;
  const exitCode = { SETTINGS: EXIT.usage, REPEAT: EXIT.unavailable, FAILED: EXIT.failure }[outcome];
  return new CliError(reason, message, { exitCode, cause: error });
}
