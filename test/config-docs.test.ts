import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { environmentName, flagName } from "../src/config/setting.ts";
import { SETTING_PATHS, settingSpec } from "../src/config/settings.ts";
import { settingsTable } from "../src/config/settings-table.ts";

const DOCUMENT = new URL("../docs/configuration.md", import.meta.url);

test("the table in docs/configuration.md is the one of the settings", async () => {
  const text = await readFile(DOCUMENT, "utf8");
  const [, table] = /<!-- settings -->\n([\s\S]*?)\n<!-- \/settings -->/.exec(text) ?? [];
  expect(table).toBe(settingsTable());
});

test("names of flags and variables are unique, and every default is a valid value", () => {
  expect(new Set(SETTING_PATHS.map(environmentName)).size).toBe(SETTING_PATHS.length);
  expect(new Set(SETTING_PATHS.map(flagName)).size).toBe(SETTING_PATHS.length);
  for (const path of SETTING_PATHS) {
    const spec = settingSpec(path);
    expect(spec.type.safeParse(spec.default).success, path).toBe(true);
  }
});
