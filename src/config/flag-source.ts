import { flagName, hasFileTwin } from "./setting.ts";
import { SETTING_PATHS, type SettingPath, settingSpec } from "./settings.ts";
import type { SourceEntry, SourceReading } from "./source.ts";

/** One flag of the command line that is a setting. */
export interface SettingFlag {
  /** With dashes: `--upstream-api-key`. */
  readonly name: string;
  readonly path: SettingPath;
  /** The value names a file that holds the setting. */
  readonly isFileName: boolean;
  /** May stand without a value and then means true. */
  readonly isSwitch: boolean;
  readonly description: string;
  readonly default: string;
  readonly unit: string;
}

/** All flags, in the order of the settings. */
export const SETTING_FLAGS: readonly SettingFlag[] = SETTING_PATHS.flatMap((path) => {
  const spec = settingSpec(path);
  const { description, default: initial, unit } = spec;
  const isSwitch = unit === "true or false";
  const flag = {
    name: flagName(path),
    path,
    isFileName: false,
    isSwitch,
    description,
    default: initial,
    unit,
  };
  if (!hasFileTwin(spec)) return [flag];
  const twin = {
    ...flag,
    name: `${flag.name}-file`,
    isFileName: true,
    unit: "path",
    description: `File that holds ${path}.`,
  };
  return [flag, twin];
});

/** Reads settings from flags. The command line's parser has refused unknown ones already. */
export function readFlags(given: ReadonlyMap<string, string>): SourceReading {
  const entries: SourceEntry[] = [];
  for (const { name, path, isFileName } of SETTING_FLAGS) {
    const text = given.get(name);
    if (text !== undefined) entries.push({ path, text, isFileName, origin: { kind: "flag", name } });
  }
  return { entries, problems: [] };
}
