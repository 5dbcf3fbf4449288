import { isDeepStrictEqual } from "node:util";
import type { Logger } from "../log.ts";
import { Secret } from "../secret.ts";
import type { Timer } from "../timer.ts";
import { WatchedFiles } from "../watched-files.ts";
import type { Config } from "./config.ts";
import { type ConfigReading, type ConfigSources, readConfig } from "./load-config.ts";
import { SETTING_PATHS, type SettingPath, type SettingValues } from "./settings.ts";

/** Settings that can change while the service runs: credentials for Infobip, rate limits and the level of the log. */
const RELOADABLE =
  /^(upstream\.(auth|api_key|username|password|ibsso_token|client_id|client_secret)|sending\.rate_limit\..+|log\.level)$/;

/** A configuration with the files that it was read from. */
export interface ReadWithFiles {
  readonly reading: ConfigReading;
  /** The configuration file and those that hold single settings. */
  readonly paths: readonly string[];
}

/** Reads the configuration and notes which files it came from. */
export async function readWithFiles(sources: ConfigSources): Promise<ReadWithFiles> {
  const paths = new Set<string>();
  const reading = await readConfig({
    ...sources,
    readTextFile: (path, maxBytes) => {
      paths.add(path);
      return sources.readTextFile(path, maxBytes);
    },
  });
  return { reading, paths: [...paths] };
}

/** What {@link Reload} works with. */
export interface ReloadParts {
  readonly sources: ConfigSources;
  /** What the service was started with. */
  readonly started: ReadWithFiles;
  /** Takes over the credentials and rate limits of a configuration. Throws an Error when they cannot be right. */
  readonly apply: (config: Config) => void;
  readonly log: Logger;
  readonly timer: Timer;
}

/**
 * Reads the configuration again when it is told to, and when one of its files
 * changes. What can change while the service runs is applied, the other
 * settings that have changed are named; a configuration with a problem changes
 * nothing.
 */
export class Reload implements Disposable {
  readonly #parts: ReloadParts;
  readonly #log: Logger;
  /** In use. */
  #values: Partial<SettingValues>;
  #paths: readonly string[] = [];
  #watched: WatchedFiles | undefined;
  #last: Promise<void> = Promise.resolve();
  #isDisposed = false;

  private constructor(parts: ReloadParts) {
    this.#parts = parts;
    this.#log = parts.log.child({ component: "config" });
    this.#values = parts.started.reading.values;
  }

  /** Begins to watch the files, and takes over what has changed in them since the start. */
  static async open(parts: ReloadParts): Promise<Reload> {
    const reload = new Reload(parts);
    await reload.#watch(parts.started.paths);
    await reload.#reload({ isAsked: false });
    return reload;
  }

  /** Reads the configuration again, after those readings that were asked for before. Never rejects. */
  reload(): Promise<void> {
    this.#last = this.#last.then(() => this.#reload({ isAsked: true }));
    return this.#last;
  }

  [Symbol.dispose](): void {
    this.#isDisposed = true;
    this.#watched?.[Symbol.dispose]();
  }

  async #reload({ isAsked }: { readonly isAsked: boolean }): Promise<void> {
    if (this.#isDisposed) return;
    const { reading, paths } = await readWithFiles(this.#parts.sources);
    if (reading.config === undefined) this.#refuse(reading);
    else if (!this.#take(reading.config, reading.values) && isAsked)
      this.#log.info("the configuration was read again; nothing has changed");
    await this.#watch(paths);
  }

  #refuse({ problems }: ConfigReading): void {
    for (const { setting, message } of problems) {
      this.#log.error(`the configuration was read again and is wrong; nothing has changed: ${message}`, {
        setting,
      });
    }
  }

  /** Tells whether anything was different. */
  #take(config: Config, values: Partial<SettingValues>): boolean {
    const changed = SETTING_PATHS.filter((path) => !isSame(this.#values[path], values[path]));
    const applied = changed.filter((path) => RELOADABLE.test(path));
    if (applied.length > 0 && !this.#apply(config, values, applied)) return true;
    for (const setting of changed) {
      if (applied.includes(setting)) this.#log.info("the setting has changed and is in use", { setting });
      else this.#log.warn("the setting has changed and needs a restart", { setting });
    }
    return changed.length > 0;
  }

  #apply(config: Config, values: Partial<SettingValues>, applied: readonly SettingPath[]): boolean {
    try {
      this.#parts.apply(config);
    } catch (error) {
      this.#log.error("the credentials for Infobip cannot be right; nothing has changed", { error });
      return false;
    }
    // A level that was set at run time stays, unless the setting itself has changed.
    if (applied.includes("log.level")) this.#log.level.set(config.log.level);
    this.#values = { ...this.#values, ...Object.fromEntries(applied.map((path) => [path, values[path]])) };
    return true;
  }

  async #watch(paths: readonly string[]): Promise<void> {
    if (this.#isDisposed || isDeepStrictEqual(paths, this.#paths)) return;
    this.#watched?.[Symbol.dispose]();
    this.#watched = undefined;
    this.#paths = paths;
    if (paths.length === 0) return;
    const trouble = (error: Error): void =>
      this.#log.warn("a file of the configuration cannot be watched", { error });
    try {
      const { files } = await WatchedFiles.open({
        paths,
        timer: this.#parts.timer,
        onChange: () => this.reload(),
        onTrouble: trouble,
      });
      if (this.#isDisposed) files[Symbol.dispose]();
      else this.#watched = files;
    } catch (error) {
      // Looked for again when the configuration is read next.
      this.#paths = [];
      trouble(error as Error);
    }
  }
}

function isSame(one: unknown, other: unknown): boolean {
  if (one instanceof Secret && other instanceof Secret) return one.reveal() === other.reveal();
  return isDeepStrictEqual(one, other);
}
