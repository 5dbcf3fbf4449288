import { environmentName, flagName, hasFileTwin } from "./setting.ts";
import { SETTING_PATHS, settingSpec } from "./settings.ts";

/** The settings as a Markdown table, for docs/configuration.md. */
export function settingsTable(): string {
  const rows = SETTING_PATHS.map((path) => {
    const spec = settingSpec(path);
    const { default: initial, description, unit } = spec;
    const shown = initial === "" ? "–" : `\`${initial}\``;
    const twin = hasFileTwin(spec) ? " Also `…_FILE`." : "";
    return `| \`${path}\` | \`${environmentName(path)}\` | \`${flagName(path)}\` | ${shown} | ${unit} | ${description}${twin} |`;
  });
  const head = [
    "| Setting | Environment variable | Flag | Default | Value | Meaning |",
    "| --- | --- | --- | --- | --- | --- |",
  ];
  return [...head, ...rows].join("\n");
}
