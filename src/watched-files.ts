import { createHash } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import type { Timer } from "./timer.ts";

/** How often files are looked at, in milliseconds. */
export const WATCH_INTERVAL_MS = 2_000;
/** Largest file that is watched, in bytes. */
export const MAX_WATCHED_BYTES = 4 * 1024 * 1024;

/** Contents of the files, in the order of their paths. */
export type FileContents = readonly Buffer[];

/** What {@link WatchedFiles} work with. */
export interface WatchedFilesParts {
  /** Read together: a change of one gives the contents of all. */
  readonly paths: readonly string[];
  readonly timer: Timer;
  /** The contents have changed since they were taken last. What it throws counts as trouble; the next change is told again. */
  readonly onChange: (contents: FileContents) => void | Promise<void>;
  /** A file cannot be read, or its contents were refused. Told once until it is another trouble or it works. */
  readonly onTrouble: (error: Error) => void;
  /** Default: {@link WATCH_INTERVAL_MS}. */
  readonly intervalMs?: number;
}

/**
 * Looks at a few small files again and again, and tells when their contents
 * have changed. Reading beats the system's notices here: secrets that an
 * orchestrator mounts change by a link being turned, which those miss.
 */
export class WatchedFiles implements Disposable {
  readonly #parts: WatchedFilesParts;
  #known: string | undefined;
  #trouble: string | undefined;
  #checking: Promise<boolean> | undefined;
  #callOff: (() => void) | undefined;
  #disposed = false;

  private constructor(parts: WatchedFilesParts) {
    this.#parts = parts;
  }

  /** Reads the files and begins to watch them. Rejects when one cannot be read now. */
  static async open(parts: WatchedFilesParts): Promise<{ files: WatchedFiles; contents: FileContents }> {
    const contents = await readAll(parts.paths);
    const files = new WatchedFiles(parts);
    files.#known = digestOf(contents);
    files.#wait();
    return { files, contents };
  }

  /** Looks at the files now. Gives whether they could be read and were not refused in this look. Never rejects. */
  check(): Promise<boolean> {
    this.#checking ??= this.#check().finally(() => {
      this.#checking = undefined;
    });
    return this.#checking;
  }

  [Symbol.dispose](): void {
    this.#disposed = true;
    this.#callOff?.();
  }

  #wait(): void {
    if (this.#disposed) return;
    const { timer, intervalMs = WATCH_INTERVAL_MS } = this.#parts;
    this.#callOff = timer.schedule(intervalMs, () => void this.check().then(() => this.#wait()));
  }

  async #check(): Promise<boolean> {
    try {
      const contents = await readAll(this.#parts.paths);
      const digest = digestOf(contents);
      if (digest === this.#known || this.#disposed) return true;
      // Refused contents are not offered again: the next change is.
      this.#known = digest;
      await this.#parts.onChange(contents);
      this.#trouble = undefined;
      return true;
    } catch (error) {
      this.#troubled(error instanceof Error ? error : new Error(String(error)));
      return false;
    }
  }

  #troubled(error: Error): void {
    if (error.message === this.#trouble || this.#disposed) return;
    this.#trouble = error.message;
    this.#parts.onTrouble(error);
  }
}

async function readAll(paths: readonly string[]): Promise<Buffer[]> {
  return await Promise.all(paths.map(readOne));
}

async function readOne(path: string): Promise<Buffer> {
  const { size } = await stat(path);
  if (size > MAX_WATCHED_BYTES) throw new Error(`${path} is larger than ${MAX_WATCHED_BYTES} bytes`);
  return await readFile(path);
}

function digestOf(contents: FileContents): string {
  const hash = createHash("sha256");
  for (const part of contents) hash.update(`${part.length}:`).update(part);
  return hash.digest("base64");
}
