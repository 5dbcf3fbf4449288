import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";

const read = (path: string): Promise<string> => readFile(new URL(`../${path}`, import.meta.url), "utf8");

async function reasons(): Promise<string[]> {
  const [, union = ""] = /export type Reason =([^;]+);/.exec(await read("src/errors.ts")) ?? [];
  return [...union.matchAll(/"([A-Z_]+)"/g)].map(([, reason = ""]) => reason);
}

/** Words of the first column of a section's tables. */
function rowNames(text: string, section: string): string[] {
  const [, part = ""] = text.split(new RegExp(`^## ${section}$`, "m"));
  const [own = ""] = part.split(/^## /m);
  return [...own.matchAll(/^\| ([A-Z_, ]+) \|/gm)].flatMap(([, names = ""]) => names.split(", "));
}

test.each([
  ["docs/errors.md", "Reasons"],
  ["docs/runbook.md", "Errors"],
])("%s tells of every reason, and of no other", async (page, section) => {
  const told = new Set(rowNames(await read(page), section));
  const all = await reasons();
  expect(all.length).toBeGreaterThan(40);
  expect([...told].toSorted()).toEqual(all.toSorted());
});
