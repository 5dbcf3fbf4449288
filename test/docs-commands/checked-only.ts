import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect } from "vitest";
import { type Block, ROOT } from "./block.ts";
import { unknownMethods, unknownVariables } from "./named-things.ts";

/** Folders of the checkout that commands name files of. */
const FILE = /(?<![\w./-])(?:deploy|proto|src|docs|test|bench)\/[\w./-]*\w/g;

/** Checks what can be checked of commands without running them: bash reads them, and what of the checkout they name is there. */
export async function checkOnly(block: Block): Promise<void> {
  // Throws when bash finds a fault.
  await promisify(execFile)("bash", ["-n", "-c", block.text]);
  const { scripts } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
  const missing = [
    ...(block.text.match(FILE) ?? []).filter((path) => !existsSync(join(ROOT, path))),
    ...[...block.text.matchAll(/npm run (?:-s )?([\w:-]+)/g)]
      .map(([, name = ""]) => name)
      .filter((name) => !(name in scripts)),
    ...unknownMethods(block.text),
    ...unknownVariables(block.text),
  ];
  expect(missing, `${block.page}:${block.line}`).toEqual([]);
}
