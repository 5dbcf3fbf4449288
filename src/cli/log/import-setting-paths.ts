import type { SettingPath } from "../../config/settings.ts";

const PATHS = [
  "sending.request_id_window",
  "sending.request_id_bytes",
  "submissions.max_waiting",
  "submissions.max_bytes",
] as const satisfies readonly SettingPath[];

/** Whether a setting says how the streams are made that `log import` fills. */
export function isImportSetting(path: SettingPath): boolean {
  return path.startsWith("eventlog.") || path.startsWith("nats.") || PATHS.some((other) => other === path);
}
