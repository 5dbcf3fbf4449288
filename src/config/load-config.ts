import { buildConfig } from "./build-config.ts";
import type { Config } from "./config.ts";
import { CONFIG_FILE_VARIABLE, readEnvironment } from "./environment-source.ts";
import { readFlags } from "./flag-source.ts";
import { ignoredSettings } from "./ignored-settings.ts";
import { ConfigError, type ConfigProblem } from "./problem.ts";
import { type ResolvedSetting, resolveSettings } from "./resolve-settings.ts";
import { checkRules, upstreamAuth, upstreamBaseUrl } from "./rules.ts";
import type { SettingPath, SettingValues } from "./settings.ts";
import type { ReadTextFile, SourceReading } from "./source.ts";
import { telemetryConfig } from "./telemetry-config.ts";

/** Largest configuration file, in bytes. */
const MAX_CONFIG_FILE_BYTES = 1024 * 1024;

/** Where the configuration comes from. */
export interface ConfigSources {
  /** Values of flags by their name with dashes. */
  readonly flags: ReadonlyMap<string, string>;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Name of the YAML file; else INFOBIP_RPC_CONFIG names it, else there is none. */
  readonly file?: string | undefined;
  readonly readTextFile: ReadTextFile;
}

/** The configuration as far as it could be read. */
export interface ConfigReading {
  readonly settings: readonly ResolvedSetting[];
  /** Values of the settings that could be read, each by itself; complete when there is no problem. */
  readonly values: Partial<SettingValues>;
  readonly problems: readonly ConfigProblem[];
  /** Set exactly when there is no problem. */
  readonly config: Config | undefined;
}

/** Reads and checks the configuration; reports every problem instead of throwing. */
export async function readConfig(sources: ConfigSources): Promise<ConfigReading> {
  const readings = [await readFile(sources), readEnvironment(sources.environment), readFlags(sources.flags)];
  const { settings, values, problems: found } = await resolveSettings(readings, sources.readTextFile);
  const problems = [...found];
  const report = (setting: SettingPath, message: string): void => {
    const origin = settings.find((candidate) => candidate.path === setting)?.origin.name ?? "default";
    problems.push({ setting, origin, message });
  };
  const baseUrl = upstreamBaseUrl(values, report);
  const auth = upstreamAuth(values, report);
  checkRules(values, report);
  const isComplete = problems.length === 0 && baseUrl !== undefined && auth !== undefined;
  const ignored = ignoredSettings(settings, values);
  const telemetry = telemetryConfig(sources.environment);
  const findings = isComplete ? { baseUrl, auth, ignored, telemetry } : undefined;
  const config = findings && buildConfig(values as SettingValues, findings);
  return { settings, values, problems, config };
}

/** Reads and checks the configuration. Throws {@link ConfigError} with every problem. */
export async function loadConfig(sources: ConfigSources): Promise<Config> {
  const { config, problems } = await readConfig(sources);
  if (config === undefined) throw new ConfigError(problems);
  return config;
}

async function readFile(sources: ConfigSources): Promise<SourceReading> {
  const fromFlag = sources.file;
  const name = fromFlag ?? sources.environment[CONFIG_FILE_VARIABLE];
  if (name === undefined || name === "") return { entries: [], problems: [] };
  try {
    // Loaded with its YAML parser by those who have a file.
    const { readConfigFile } = await import("./file-source.ts");
    return readConfigFile(name, await sources.readTextFile(name, MAX_CONFIG_FILE_BYTES));
  } catch (error) {
    const message = `cannot be read: ${error instanceof Error ? error.message : "unknown error"}`;
    const origin = fromFlag === undefined ? CONFIG_FILE_VARIABLE : "--config";
    return { entries: [], problems: [{ setting: name, origin, message }] };
  }
}
