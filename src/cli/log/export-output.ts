import { dirname, resolve } from "node:path";
import type { CliFileWriter } from "../cli-context.ts";
import { CliError, usageError } from "../cli-error.ts";
import type { Session } from "../command.ts";
import { EXIT } from "../exit-codes.ts";

/** Flags of `log export` that say where the export goes. */
export interface ExportOutputOptions {
  readonly output?: string;
  readonly force?: boolean;
}

/** Writes a piece of an export; false when the reader of a pipe, such as `head`, has gone. */
export type WritePiece = (piece: string | Uint8Array) => Promise<boolean>;

/** Runs an export with what writes it, to stdout or to the file that the flags name. */
export async function withExportOutput<T>(
  session: Session,
  directory: string,
  options: ExportOutputOptions,
  run: (write: WritePiece) => Promise<T>,
): Promise<T> {
  if (options.output === undefined) return await run((piece) => reaches(session.output.write(piece)));
  if (dirname(resolve(options.output)) === resolve(directory))
    throw usageError("--output: the data directory holds the log's own files; name a file elsewhere");
  await using writer = await openOutput(session, options.output, options.force === true);
  return await run((piece) => reaches(writer.write(piece)));
}

async function openOutput({ context }: Session, path: string, replace: boolean): Promise<CliFileWriter> {
  try {
    return await context.files.create(path, replace);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const advice = code === "EEXIST" ? "is there already; --force replaces it" : `cannot be written: ${code}`;
    throw new CliError("OUTPUT_NOT_WRITABLE", `--output: ${path} ${advice}`, {
      exitCode: EXIT.usage,
      cause: error,
    });
  }
}

async function reaches(written: Promise<void>): Promise<boolean> {
  try {
    await written;
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EPIPE") return false;
    throw error;
  }
}
