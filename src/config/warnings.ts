import type { Config } from "./config.ts";
import type { SettingPath } from "./settings.ts";

/** A combination of settings that works and may still not be what was meant. */
export interface ConfigWarning {
  readonly setting: SettingPath;
  /** What happens, and what to do. */
  readonly message: string;
}

/** Whatever of a configuration is worth a second look. For `config check` and for the log at the start. */
export function configWarnings(config: Config): ConfigWarning[] {
  const { pull, webhook } = config;
  if (!pull.reports || webhook.publicUrl === undefined) return [];
  return [
    {
      setting: "pull.reports",
      message:
        "is on while webhook.public_url is set; repeats are stored once, but Infobip does not say whether it hands out reports that it has pushed, so turn one of the two off unless you mean both",
    },
  ];
}
