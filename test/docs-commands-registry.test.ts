import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { blocksOf, isShell, pageNames, ROOT, readBlocks } from "./docs-commands/block.ts";
import type { Entry } from "./docs-commands/entry.ts";
import { unknownMethods, unknownVariables } from "./docs-commands/named-things.ts";
import { PAGES } from "./docs-commands/registry.ts";
import { paired, runBlocks } from "./docs-commands/run-page.ts";

/** Blocks that no test runs, with what they need. Keep it short. */
const CHECKED_ONLY = [
  "docs/deployment.md: docker build --tag infobip-rpc:0.1.0 . (docker)",
  "docs/deployment.md: docker compose -f deploy/compose/compose.yaml up --build (docker)",
];

test("every page with commands has its entries, and every entry its block", async () => {
  const pages = new Map(PAGES.map((entries) => [entries.page, entries]));
  expect(pages.size).toBe(PAGES.length);
  for (const page of await pageNames()) {
    const blocks = (await readBlocks(page)).filter(isShell);
    paired(blocks, pages.get(page) ?? { page, blocks: [] });
    pages.delete(page);
  }
  expect([...pages.keys()], "pages that are not there").toEqual([]);
});

test("few blocks are only checked", () => {
  const checked = PAGES.flatMap(({ page, blocks }) =>
    blocks.flatMap((entry) => (entry.how === "check" ? [`${page}: ${entry.begins} (${entry.needs})`] : [])),
  );
  expect(checked).toEqual(CHECKED_ONLY);
});

test("pages name methods and variables that there are", async () => {
  for (const page of await pageNames()) {
    const text = await readFile(join(ROOT, page), "utf8");
    expect([...unknownMethods(text), ...unknownVariables(text)], page).toEqual([]);
  }
});

describe("a page fails", () => {
  const run = (commands: string, ...blocks: Entry[]) =>
    runBlocks(blocksOf("a.md", `\`\`\`sh\n${commands}\n\`\`\`\n`), { page: "a.md", blocks });

  test("when its command fails, also in the middle", async () => {
    await expect(run("false\necho", { begins: "false", how: "run" })).rejects.toThrow(/a\.md:2: exit code/);
  });

  test("when it prints something else", async () => {
    await expect(run("echo 1", { begins: "echo 1", how: "run", prints: [/2/] })).rejects.toThrow(
      "to match /2/",
    );
    await expect(run("echo 1", { begins: "echo 1", how: "run" })).rejects.toThrow("to match");
  });

  test("when what should go on ends", async () => {
    const entry: Entry = { begins: "echo 1", how: "endless", prints: [/2/], stops: "after the page" };
    await expect(run("echo 1", entry)).rejects.toThrow("had not printed /2/");
  });

  test("when the stand-ins do not know a command", async () => {
    for (const begins of ["npm run nonsense", "npm publish", "npx cowsay", "systemctl stop infobip-rpc"]) {
      await expect(run(begins, { begins, how: "run" })).rejects.toThrow(/stand-in|does not know/);
    }
  });

  test("when a block has no entry, or an entry no block", async () => {
    await expect(run("echo 1")).rejects.toThrow(
      /a\.md:2: the block that begins with "echo 1" is not known.*Say in test\/docs-commands\/pages/,
    );
    const [one, two] = ["echo 1", "echo 2"].map((begins): Entry => ({ begins, how: "run", prints: [/./] }));
    if (one && two) await expect(run("echo 1", one, two)).rejects.toThrow('no block begins with "echo 2"');
  });

  test("when a text for the reader to fill in is gone", async () => {
    const entry: Entry = { begins: "true", how: "run", replace: () => ({ "/the/key": "key" }) };
    await expect(run("true", entry)).rejects.toThrow('"/the/key" is not in the block');
  });

  test.each(["if true", "cat deploy/nothing.yaml", "npm run nothing", "INFOBIP_RPC_NOTHING=1 true"])(
    "when what is only checked is wrong: %s",
    async (begins) => {
      await expect(run(begins, { begins, how: "check", needs: "docker" })).rejects.toThrow();
    },
  );
});

test("terminals keep their variables and their folder, each its own", async () => {
  const text =
    "```sh\nA=1 && mkdir -p b && cd b\n```\n```sh\necho $A in $(basename $PWD)\n```\n```sh\necho none$(env | grep ^A= || :)\n```\n";
  await runBlocks(blocksOf("a.md", text), {
    page: "a.md",
    blocks: [
      { begins: "A=1 && mkdir -p b && cd b", how: "run" },
      { begins: "echo $A in $(basename $PWD)", how: "run", prints: [/^1 in b\n$/] },
      { begins: "echo none$(env | grep ^A= || :)", how: "run", terminals: ["other"], prints: [/^none\n$/] },
    ],
  });
});
