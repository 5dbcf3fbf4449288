import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

/** The checkout. */
export const ROOT = new URL("../..", import.meta.url).pathname;

/** Folders of docs/ whose commands are not run here: programs with tests of their own (test/clients-*.test.ts), generated pages. */
const LEFT_OUT = /^docs\/(clients|api)\//;
/** Words behind the fence of blocks that a reader pastes into a shell. */
const SHELL = new Set(["sh", "bash", "console", "shell"]);

/** A fenced block of a page. */
export interface Block {
  readonly page: string;
  /** Number of the line after the opening fence, from 1. */
  readonly line: number;
  /** Word behind the opening fence; empty for a drawing. */
  readonly language: string;
  /** What stands between the fences, without their indentation. */
  readonly text: string;
}

/** First line of a block, by which the registry knows it. */
export function firstLine(block: Block): string {
  return block.text.split("\n", 1)[0] ?? "";
}

/** Whether a block is for a shell. */
export function isShell(block: Block): boolean {
  return SHELL.has(block.language);
}

/** Names of all pages with commands, from the checkout's root. */
export async function pageNames(): Promise<string[]> {
  const names = await readdir(join(ROOT, "docs"), { recursive: true });
  const pages = names.map((name) => `docs/${name}`).filter((name) => name.endsWith(".md"));
  return ["README.md", ...pages.filter((name) => !LEFT_OUT.test(name)).sort()];
}

/** All fenced blocks of a page. */
export async function readBlocks(page: string): Promise<Block[]> {
  return blocksOf(page, await readFile(join(ROOT, page), "utf8"));
}

/** The fenced blocks in a text. A fence that nothing closes throws. */
export function blocksOf(page: string, text: string): Block[] {
  const blocks: Block[] = [];
  let open: { readonly indent: string; readonly block: Omit<Block, "text">; lines: string[] } | undefined;
  for (const [index, line] of text.split("\n").entries()) {
    const [, indent = "", language] = /^( *)```(\S*)\s*$/.exec(line) ?? [];
    if (open === undefined) {
      if (language !== undefined) open = { indent, block: { page, line: index + 2, language }, lines: [] };
    } else if (language === "") {
      blocks.push({ ...open.block, text: `${open.lines.join("\n")}\n` });
      open = undefined;
    } else {
      open.lines.push(line.startsWith(open.indent) ? line.slice(open.indent.length) : line);
    }
  }
  if (open !== undefined) throw new Error(`${page}:${open.block.line - 1}: nothing closes this block`);
  return blocks;
}
