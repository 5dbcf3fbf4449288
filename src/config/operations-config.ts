import type { Secret } from "../secret.ts";
import type { SettingValues } from "./settings.ts";

/** The log. */
export interface LogConfig {
  readonly level: SettingValues["log.level"];
  readonly format: SettingValues["log.format"];
  /** Whether there is a line for each message and event. */
  readonly messages: boolean;
  /** Undefined: a random key for each process. */
  readonly phoneKey: Secret | undefined;
}

/** Makes the configuration of the log of checked values. */
export function logConfig(values: SettingValues): LogConfig {
  return {
    level: values["log.level"],
    format: values["log.format"],
    messages: values["log.messages"],
    phoneKey: values["log.phone_key"],
  };
}
