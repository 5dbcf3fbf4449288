import { ConfigError } from "../config/problem.ts";
import { MAX_WATCHED_BYTES } from "../watched-files.ts";
import type { CliContext } from "./cli-context.ts";

const SETTING = "auth.callers_file";

/** Reads the callers file as the service would; resolves with the number of its callers. Throws ConfigError. */
export async function checkCallersFile({ files }: CliContext, path: string): Promise<number> {
  const problem = (message: string) => ({ setting: SETTING, origin: path, message });
  const text = await files.read(path, MAX_WATCHED_BYTES).catch((error: unknown) => {
    const reason = error instanceof Error ? error.message : "unknown error";
    throw new ConfigError([problem(`cannot be read: ${reason}`)]);
  });
  const [{ CallerDirectory }, { CallersFileError }] = await Promise.all([
    import("../callers/caller-directory.ts"),
    import("../callers/callers-file-error.ts"),
  ]);
  try {
    return new CallerDirectory(text).names.length;
  } catch (error) {
    if (!(error instanceof CallersFileError)) throw error;
    throw new ConfigError([problem(error.message)]);
  }
}
