import { randomUUID } from "node:crypto";
import { rmSync } from "node:fs";
import { mkdtemp, open, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { CliFiles, CliFileWriter } from "./cli-context.ts";

const temporaryFolders = new Set<string>();

/** The files of this machine. */
export const NODE_FILES: CliFiles = {
  read: readBounded,
  async readIfThere(path, maxBytes) {
    try {
      return await readBounded(path, maxBytes);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw error;
    }
  },
  replace: replaceFile,
  create: createFile,
  async makeTemporaryFolder() {
    const path = await mkdtemp(join(tmpdir(), "infobip-rpc-"));
    temporaryFolders.add(path);
    return path;
  },
  async removeFolder(path) {
    await rm(path, { recursive: true, force: true });
    temporaryFolders.delete(path);
  },
};

/** Removes the temporary folders that are left, for a process that ends at once. */
export function removeTemporaryFolders(): void {
  for (const path of temporaryFolders) rmSync(path, { recursive: true, force: true });
}

async function readBounded(path: string, maxBytes: number): Promise<string> {
  await using file = await open(path, "r");
  const buffer = Buffer.allocUnsafe(maxBytes + 1);
  let length = 0;
  while (length <= maxBytes) {
    const { bytesRead } = await file.read(buffer, length, buffer.length - length);
    if (bytesRead === 0) return buffer.toString("utf8", 0, length);
    length += bytesRead;
  }
  throw new Error(`larger than ${maxBytes} bytes`);
}

async function replaceFile(path: string, text: string): Promise<void> {
  const temporary = join(dirname(path), `.${randomUUID()}.tmp`);
  try {
    await writeDurably(temporary, text);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

async function createFile(path: string, replace: boolean): Promise<CliFileWriter> {
  const file = await open(path, replace ? "w" : "wx", 0o600);
  return {
    write: (text) => file.writeFile(text),
    [Symbol.asyncDispose]: () => file.close(),
  };
}

async function writeDurably(path: string, text: string): Promise<void> {
  await using file = await open(path, "wx", 0o600);
  await file.writeFile(text);
  await file.datasync();
}
