import type { SettingSpec } from "./setting.ts";

const HIDDEN = "[hidden]";

/** A setting's text as people may see it: no secret, no credentials within a URL, and one line. */
export function shownText(spec: SettingSpec<unknown>, text: string): string {
  if (spec.secret) return text === "" ? "" : HIDDEN;
  const [first = "", ...others] = text.trim().split(/\r?\n/);
  const line = others.length === 0 ? text : `${first} …`;
  // Everything up to the last @ goes, since what is no URL may have its credentials anywhere before it.
  return spec.unit.endsWith("URL") || spec.unit.endsWith("URLs")
    ? line.replace(/^(\s*\w*:\/\/)?.*@/, `$1${HIDDEN}@`)
    : line;
}
