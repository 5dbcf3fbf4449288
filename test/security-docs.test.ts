import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { SCOPES } from "../src/rpc/caller.ts";

const ROOT = join(import.meta.dirname, "..");
const page = await readFile(join(ROOT, "docs/security.md"), "utf8");

/** The text below a heading of the second level. */
function section(heading: string): string {
  return page.split(/^## /m).find((part) => part.startsWith(`${heading}\n`)) ?? "";
}

const rows = section("Threats")
  .split("\n")
  .filter((line) => line.startsWith("| "))
  .slice(2)
  .map((line) => line.slice(2, -2).split(" | "));

test("the page has its four parts", () => {
  for (const heading of ["Transport", "Callers", "Limits", "Threats"]) expect(section(heading)).not.toBe("");
});

test("every threat says what the service does, what is left to the operator, and which test shows it", () => {
  expect(rows.length).toBeGreaterThanOrEqual(18);
  for (const cells of rows) {
    expect(cells).toHaveLength(4);
    for (const cell of cells) expect(cell.trim()).not.toBe("");
  }
});

test("every test file that the threats name exists", () => {
  const missing = rows.flatMap(([threat, , , tests = ""]) => {
    const named = [...tests.matchAll(/`([^`]+\.test\.ts)`/g)].map(([, name = ""]) => name);
    return named.length === 0
      ? [`${threat}: none`]
      : named.filter((name) => !existsSync(join(ROOT, "test", name)));
  });
  expect(missing).toEqual([]);
});

test("the page names every scope", () => {
  for (const scope of SCOPES) expect(section("Callers")).toContain(`| \`${scope}\` |`);
});
