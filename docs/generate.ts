/** Writes the parts of the documentation that are derived from the code: `npm run docs`. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { settingsTable } from "../src/config/settings-table.ts";
import { API_PAGES, apiReference } from "./api-reference.ts";
import { readProtoFiles } from "./proto-files.ts";

const page = new URL("./configuration.md", import.meta.url);
const text = readFileSync(page, "utf8");
const begin = "<!-- settings -->\n";
const end = "\n<!-- /settings -->";
const from = text.indexOf(begin) + begin.length;
const to = text.indexOf(end);
if (from < begin.length || to < from) throw new Error(`${page.pathname} has lost its markers`);
writeFileSync(page, text.slice(0, from) + settingsTable() + text.slice(to));

const files = readProtoFiles();
mkdirSync(new URL("./api/", import.meta.url), { recursive: true });
for (const [name, packageName] of Object.entries(API_PAGES))
  writeFileSync(new URL(`./api/${name}.md`, import.meta.url), apiReference(packageName, files));
