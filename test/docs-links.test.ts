import { access, glob, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";

const ROOT = new URL("..", import.meta.url).pathname;

async function pages(): Promise<string[]> {
  const found = await Array.fromAsync(glob("docs/**/*.md", { cwd: ROOT, exclude: ["**/build/**"] }));
  return ["README.md", ...found.toSorted()];
}

/** GitHub's name for a heading. */
function anchorOf(heading: string): string {
  const text = heading.replaceAll(/\[([^\]]+)\]\([^)]*\)/g, "$1").replaceAll("`", "");
  return text
    .trim()
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
    .replaceAll(/\s/g, "-");
}

function withoutBlocks(text: string): string {
  return text.replaceAll(/^```[\s\S]*?^```/gm, "");
}

/** Without code, which may look like a link. */
function proseOf(text: string): string {
  return withoutBlocks(text).replaceAll(/`[^`\n]*`(?!\])/g, "");
}

async function anchorsOf(path: string): Promise<string[]> {
  const text = withoutBlocks(await readFile(path, "utf8"));
  return [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) => anchorOf(heading));
}

async function broken(page: string): Promise<string[]> {
  const text = proseOf(await readFile(join(ROOT, page), "utf8"));
  const links = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = ""]) => link);
  const bad: string[] = [];
  for (const link of links.filter((one) => !/^[a-z]+:/.test(one))) {
    const [file = "", anchor] = link.split("#");
    const target = file === "" ? join(ROOT, page) : join(ROOT, dirname(page), file);
    const exists = await access(target).then(
      () => true,
      () => false,
    );
    if (
      !exists ||
      (anchor !== undefined && target.endsWith(".md") && !(await anchorsOf(target)).includes(anchor))
    )
      bad.push(`${page}: ${link}`);
  }
  return bad;
}

test("every link within the documentation leads somewhere", async () => {
  const all = await pages();
  expect(all.length).toBeGreaterThan(25);
  expect((await Promise.all(all.map(broken))).flat()).toEqual([]);
});

test("every page can be reached from the index or the README", async () => {
  const indexes = ["README.md", "docs/README.md", "docs/clients/README.md"];
  const texts = await Promise.all(indexes.map((page) => readFile(join(ROOT, page), "utf8")));
  const linked = texts.flatMap((text, index) =>
    [...text.matchAll(/\]\(([^)#\s]+)/g)].map(([, link = ""]) => join(dirname(indexes[index] ?? ""), link)),
  );
  const isLinked = (page: string) =>
    linked.some((link) => link === page || link === dirname(page) || link === `${dirname(page)}/`);
  expect((await pages()).filter((page) => page !== "README.md" && !isLinked(page))).toEqual([]);
});
