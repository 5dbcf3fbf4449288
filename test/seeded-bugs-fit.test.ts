import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { SEEDED_BUGS } from "./seeded-bugs/bugs.ts";

const root = new URL("../", import.meta.url);

it.each(SEEDED_BUGS)("the seeded bug still fits the source: $name", ({ file, find, replace, test }) => {
  const source = readFileSync(new URL(file, root), "utf8");
  expect(source.split(find)).toHaveLength(2);
  expect(replace).not.toBe(find);
  expect(readFileSync(new URL(test, root), "utf8")).not.toBe("");
});
