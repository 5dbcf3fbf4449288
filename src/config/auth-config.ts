import type { SettingValues } from "./settings.ts";

/** Who may call the service. */
export interface AuthConfig {
  /** Undefined: whoever reaches the listeners. */
  readonly callersFile: string | undefined;
}

/** Makes the configuration of callers of checked values. */
export function authConfig(values: SettingValues): AuthConfig {
  return { callersFile: values["auth.callers_file"] };
}
