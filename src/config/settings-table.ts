import { environmentName, flagName } from "./setting.ts";
import { SETTING_PATHS, settingSpec } from "./settings.ts";

/** The settings as a Markdown table, for docs/configuration.md. */
export function settingsTable(): string {
  const rows = SETTING_PATHS.map((path) => {
    const { default: initial, description, secret, unit } = settingSpec(path);
    const shown = initial === "" ? "–" : `\`${initial}\``;
    const twin = secret ? " Also `…_FILE`." : "";
    return `| \`${path}\` | \`${environmentName(path)}\` | \`${flagName(path)}\` | ${shown} | ${unit} | ${description}${twin} |`;
  });
  const head = [
    "| Setting | Environment variable | Flag | Default | Value | Meaning |",
    "| --- | --- | --- | --- | --- | --- |",
  ];
  return [...head, ...rows].join("\n");
}
