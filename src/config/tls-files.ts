import type { Config } from "./config.ts";
import type { ConfigProblem } from "./problem.ts";
import type { ReadTextFile } from "./source.ts";
import type { TlsConfig } from "./tls-config.ts";
import { TlsFilesError, tlsIdentity, tlsPaths } from "./tls-identity.ts";

/** Largest TLS file, in bytes. */
const MAX_TLS_FILE_BYTES = 4 * 1024 * 1024;

/** What is wrong with the files that the TLS settings name; empty when they can be used now. `now` is in Unix milliseconds. */
export async function tlsFileProblems(
  { tls, webhook }: Pick<Config, "tls" | "webhook">,
  readTextFile: ReadTextFile,
  now: number,
): Promise<ConfigProblem[]> {
  const configs = [tls, webhook.tls].filter((config) => config !== undefined);
  const found = await Promise.all(configs.map((config) => problemOf(config, readTextFile, now)));
  return found.filter((problem) => problem !== undefined);
}

async function problemOf(
  config: TlsConfig,
  readTextFile: ReadTextFile,
  now: number,
): Promise<ConfigProblem | undefined> {
  const { cert, key, clientCa } = config.settings;
  const settings = [cert, key, clientCa] as const;
  const contents: Buffer[] = [];
  for (const [index, path] of tlsPaths(config).entries()) {
    try {
      contents.push(Buffer.from(await readTextFile(path, MAX_TLS_FILE_BYTES)));
    } catch (error) {
      const message = `its file cannot be read: ${error instanceof Error ? error.message : "unknown error"}`;
      return { setting: settings[index] ?? cert, origin: path, message };
    }
  }
  try {
    tlsIdentity(config, contents, now);
    return undefined;
  } catch (error) {
    if (!(error instanceof TlsFilesError)) throw error;
    const origin = { cert: config.certFile, key: config.keyFile, clientCa: config.clientCaFile ?? "" };
    return { setting: config.settings[error.part], origin: origin[error.part], message: error.message };
  }
}
