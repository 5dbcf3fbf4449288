import { readConfig } from "../../config/load-config.ts";
import { ConfigError } from "../../config/problem.ts";
import { SETTING_PATHS } from "../../config/settings.ts";
import type { CliContext } from "../cli-context.ts";
import { configSources } from "../setting-options.ts";

const OTHER_SETTINGS: ReadonlySet<string> = new Set(SETTING_PATHS.filter((path) => path !== "data_dir"));

/**
 * The data directory that a command line, the environment or the file names.
 * The other settings may be missing or wrong: a copy of a log can be looked at
 * where the service could not run.
 *
 * @throws ConfigError
 */
export async function dataDirectory(
  context: CliContext,
  options: Readonly<Record<string, unknown>>,
): Promise<string> {
  const { values, problems } = await readConfig(configSources(context, options));
  const relevant = problems.filter(({ setting }) => !OTHER_SETTINGS.has(setting));
  const { data_dir: directory } = values;
  // A setting has no value only when it has a problem.
  if (relevant.length > 0 || directory === undefined) throw new ConfigError(relevant);
  return directory;
}
