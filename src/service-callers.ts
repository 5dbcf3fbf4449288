import type { CallerAccess } from "./callers/caller-access.ts";
import type { CallerDirectory } from "./callers/caller-directory.ts";
import type { Config } from "./config/config.ts";
import type { Logger } from "./log.ts";
import type { RequestDefaults } from "./messages/request-defaults.ts";
import { StartError } from "./start-error.ts";
import { systemTimer } from "./timer.ts";

/** What happens to the callers file and is worth a log line. */
export interface CallersEvents {
  readonly reloaded: (names: readonly string[]) => void;
  readonly refused: (error: Error) => void;
}

/** Writes the events as log lines. No name of the file's contents but those of callers is shown. */
export function logCallersEvents(log: Logger): CallersEvents {
  return {
    reloaded: (names) =>
      log.info("the callers file was read again", { component: "callers", count: names.length }),
    // The text names entries and fields, or the path that cannot be read, and nothing of the contents.
    refused: ({ message }) =>
      log.error(`the callers file cannot be used; the callers stay as they were: ${message}`, {
        component: "callers",
      }),
  };
}

/** What {@link openCallers} works with. */
export interface CallersOptions {
  readonly config: Pick<Config, "auth">;
  readonly defaults: RequestDefaults;
  readonly events: CallersEvents;
  /** Stops watching the file. */
  readonly owned: AsyncDisposableStack;
}

/** The callers of the service. */
export interface Callers {
  readonly access: CallerAccess;
  readonly directory: CallerDirectory;
}

/** Reads the callers file and watches it; undefined when none is set. Rejects with StartError CALLERS_FILE_INVALID. */
export async function openCallers(options: CallersOptions): Promise<Callers | undefined> {
  const path = options.config.auth.callersFile;
  if (path === undefined) return undefined;
  // Loaded with its YAML parser by those who have a file.
  const [{ CallerDirectory }, { CallerAccess }] = await Promise.all([
    import("./callers/caller-directory.ts"),
    import("./callers/caller-access.ts"),
  ]);
  let access: CallerAccess | undefined;
  const opening = CallerDirectory.open({
    path,
    timer: systemTimer,
    onReloaded: (names) => {
      access?.callersChanged(names);
      options.events.reloaded(names);
    },
    onTrouble: options.events.refused,
  });
  const directory = options.owned.use(await opening.catch(cannotStart));
  const { defaults } = options;
  access = new CallerAccess({ directory, defaults, monotonicNow: () => performance.now() });
  return { access, directory };
}

function cannotStart(error: unknown): never {
  const message = error instanceof Error ? error.message : "cannot be read";
  throw new StartError("CALLERS_FILE_INVALID", `auth.callers_file: ${message}`, error);
}
