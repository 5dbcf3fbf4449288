import type { ResolvedSetting } from "./resolve-settings.ts";
import type { ReadableValues } from "./rules.ts";
import type { SettingPath } from "./settings.ts";

/** Settings that were given and have no effect, in view of the others. */
export function ignoredSettings(settings: readonly ResolvedSetting[], values: ReadableValues): SettingPath[] {
  if (values["eventlog.url"]?.length !== 0) return [];
  const given = settings.filter(({ origin, shown }) => origin.kind !== "default" && shown !== "");
  return given.map(({ path }) => path).filter((path) => path.startsWith("nats."));
}
