import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const BUNDLER = new URL("../bundle.ts", import.meta.url).pathname;
const ROOT = new URL("..", import.meta.url).pathname;

/** The one file that is shipped, built from the source as it is. */
export interface ServiceBundle extends AsyncDisposable {
  /** Path of the file. */
  readonly file: string;
}

/** Builds the bundle into a temporary folder. */
export async function buildBundle(): Promise<ServiceBundle> {
  const folder = await mkdtemp(join(tmpdir(), "infobip-rpc-bundle-"));
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true });
  try {
    await promisify(execFile)(process.execPath, [BUNDLER, folder], { cwd: ROOT });
  } catch (error) {
    await remove();
    throw error;
  }
  return { file: join(folder, "infobip-rpc.mjs"), [Symbol.asyncDispose]: remove };
}
