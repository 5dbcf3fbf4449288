import type { Caller, PeerIdentity } from "../rpc/caller.ts";
import type { Timer } from "../timer.ts";
import { type FileContents, WatchedFiles } from "../watched-files.ts";
import { CallerTable } from "./caller-table.ts";
import { parseCallers } from "./parse-callers.ts";

/** What {@link CallerDirectory.open} works with. */
export interface CallerDirectoryOptions {
  readonly path: string;
  readonly timer: Timer;
  /** The file has changed and is in use. */
  readonly onReloaded?: (names: readonly string[]) => void;
  /** The file has changed and cannot be used, or cannot be read: the callers stay as they were. Never shows a secret. */
  readonly onTrouble?: (error: Error) => void;
  /** How often the file is looked at, in milliseconds. Default: that of WatchedFiles. */
  readonly intervalMs?: number;
}

/** The callers of a file, as it stands. */
export class CallerDirectory implements Disposable {
  #table: CallerTable;
  #files: WatchedFiles | undefined;

  /** Of a file that is not watched. Throws CallersFileError. */
  constructor(text: string) {
    this.#table = tableOf(text);
  }

  /** Reads the file and watches it. Rejects with CallersFileError, or with what reading it fails with. */
  static async open(options: CallerDirectoryOptions): Promise<CallerDirectory> {
    const { path, timer, intervalMs, onReloaded, onTrouble } = options;
    let directory: CallerDirectory | undefined;
    const { files, contents } = await WatchedFiles.open({
      paths: [path],
      timer,
      ...(intervalMs === undefined ? {} : { intervalMs }),
      onChange: (changed) => {
        directory?.replace(textOf(changed));
        onReloaded?.(directory?.names ?? []);
      },
      onTrouble: (error) => onTrouble?.(error),
    });
    try {
      directory = new CallerDirectory(textOf(contents));
      directory.#files = files;
      return directory;
    } catch (error) {
      files[Symbol.dispose]();
      throw error;
    }
  }

  /** Names of all callers: the closed set of names that metrics can have. */
  get names(): readonly string[] {
    return this.#table.names;
  }

  byName(name: string): Caller | undefined {
    return this.#table.byName(name);
  }

  byToken(token: string): Caller | undefined {
    return this.#table.byToken(token);
  }

  byCertificate(identity: PeerIdentity): Caller | undefined {
    return this.#table.byCertificate(identity);
  }

  /** Looks at the file now, such as after SIGHUP; what comes of it is told by the hooks. Never rejects. */
  async reload(): Promise<void> {
    await this.#files?.check();
  }

  /** Takes other callers in place of those there are. Throws CallersFileError, and nothing changes. */
  replace(text: string): void {
    this.#table = tableOf(text);
  }

  [Symbol.dispose](): void {
    this.#files?.[Symbol.dispose]();
  }
}

function tableOf(text: string): CallerTable {
  return new CallerTable(parseCallers(text));
}

function textOf([file]: FileContents): string {
  return file?.toString("utf8") ?? "";
}
