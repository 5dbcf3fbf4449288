import type { ValueType } from "./value-types.ts";

/** What a setting is, apart from its path. */
export interface SettingSpec<T> {
  readonly type: ValueType<T>;
  /** Value when no source gives one, as it would stand in a file. */
  readonly default: string;
  /** What it does, in one or two sentences. */
  readonly description: string;
  /** How the value is written: `duration`, `bytes`, `host:port` … */
  readonly unit: string;
  /** Never shown; can also be read from a file named by the setting's `_file` twin. */
  readonly secret?: true;
  /** No secret, but can be read from a file by a `_file` twin all the same. */
  readonly file?: true;
  /** May also stand as a YAML list in the file. */
  readonly list?: true;
}

/** Checks a spec's value type against its use; returns it unchanged. */
export function setting<T>(type: ValueType<T>, spec: Omit<SettingSpec<T>, "type">): SettingSpec<T> {
  return { type, ...spec };
}

/** Whether a setting's value can come from a file that its `_file` twin names. */
export function hasFileTwin({ secret, file }: SettingSpec<unknown>): boolean {
  return secret === true || file === true;
}

/** Prefix of every environment variable that is a setting. */
export const ENVIRONMENT_PREFIX = "INFOBIP_RPC_";

/** `upstream.api_key` → `INFOBIP_RPC_UPSTREAM_API_KEY`. */
export function environmentName(path: string): string {
  return ENVIRONMENT_PREFIX + path.replaceAll(".", "_").toUpperCase();
}

/** `upstream.api_key` → `--upstream-api-key`. */
export function flagName(path: string): string {
  return `--${path.replaceAll(/[._]/g, "-")}`;
}
