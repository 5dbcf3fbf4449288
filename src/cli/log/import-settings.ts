import { readConfig } from "../../config/load-config.ts";
import { natsConfig } from "../../config/nats-config.ts";
import { ConfigError } from "../../config/problem.ts";
import { SETTING_PATHS, type SettingValues } from "../../config/settings.ts";
import type { ImportSettings } from "../../eventlog/jetstream/import/open-import.ts";
import type { CliContext } from "../cli-context.ts";
import { usageError } from "../cli-error.ts";
import { configSources } from "../setting-options.ts";
import { isImportSetting } from "./import-setting-paths.ts";

const OTHER_SETTINGS: ReadonlySet<string> = new Set(SETTING_PATHS.filter((path) => !isImportSetting(path)));

/**
 * What a command line, the environment and the file say about the streams. The
 * other settings may be missing or wrong: nothing is sent by an import.
 *
 * @throws ConfigError, CliError
 */
export async function importSettings(
  context: CliContext,
  options: Readonly<Record<string, unknown>>,
): Promise<Omit<ImportSettings, "directory">> {
  const { values, problems } = await readConfig(configSources(context, options));
  const relevant = problems.filter(({ setting }) => !OTHER_SETTINGS.has(setting));
  if (relevant.length > 0) throw new ConfigError(relevant);
  // A setting has no value only when it has a problem.
  const checked = values as SettingValues;
  const nats = natsConfig(checked);
  if (nats === undefined)
    throw usageError("--eventlog-url: name the NATS servers to import into, such as nats://127.0.0.1:4222");
  return {
    nats: nats.options,
    prefix: nats.prefix,
    replicas: nats.replicas,
    dedupeWindowMs: nats.dedupeWindowMs,
    retention: { ageMs: checked["eventlog.retention_age"], bytes: checked["eventlog.retention_bytes"] },
    answers: {
      windowMs: checked["sending.request_id_window"],
      maxBytes: checked["sending.request_id_bytes"],
    },
    submissions: {
      maxWaiting: checked["submissions.max_waiting"],
      maxBytes: checked["submissions.max_bytes"],
    },
    subscriptionsBytes: nats.subscriptionsBytes,
  };
}
