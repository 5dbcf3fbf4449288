import { readFile } from "node:fs/promises";
import { expect } from "vitest";
import { type Block, firstLine, isShell, readBlocks } from "./block.ts";
import { checkOnly } from "./checked-only.ts";
import type { EndlessEntry, Entry, PageEntries, RunEntry } from "./entry.ts";
import { Sandbox } from "./sandbox.ts";
import { ShellRun } from "./shell-run.ts";

/** Longest time that a block is run again and again, in milliseconds. */
const PATIENCE_MS = 20_000;
/** Between two looks at what a block brings about, in milliseconds. */
const LOOK_MS = 100;
/** Set: each block is shown with what it prints, for whoever writes a page. */
const SHOW = process.env.DOCS_COMMANDS_SHOW !== undefined;

/** Runs all commands of a page in the page's order, and judges each block. */
export async function runPage(entries: PageEntries): Promise<void> {
  await runBlocks(await readBlocks(entries.page), entries);
}

/** Runs the commands among the blocks of a page. */
export async function runBlocks(all: readonly Block[], entries: PageEntries): Promise<void> {
  const pairs = paired(all.filter(isShell), entries);
  await using sandbox = await Sandbox.create();
  await using _given = await entries.given?.(sandbox);
  const background: ShellRun[] = [];
  try {
    for (const [block, entry] of pairs) await runBlock(block, entry, { sandbox, background });
  } finally {
    for (const run of background.reverse()) await run.stop();
  }
}

/** The blocks with their entries. A block without one, or the other way around, fails. */
export function paired(blocks: readonly Block[], { page, blocks: entries }: PageEntries): [Block, Entry][] {
  const rest = [...entries];
  const pairs = blocks.map((block): [Block, Entry] => {
    const entry = rest.shift();
    if (entry?.begins === firstLine(block)) return [block, entry];
    const next = entry === undefined ? "has no further block" : `goes on with "${entry.begins}"`;
    throw new Error(
      `${page}:${block.line}: the block that begins with "${firstLine(block)}" is not known; the registry ${next}. ` +
        "Say in test/docs-commands/pages how it is run and what it prints, in the page's order.",
    );
  });
  if (rest.length > 0)
    throw new Error(`${page}: no block begins with "${rest[0]?.begins}"; remove its entry`);
  return pairs;
}

interface PageRun {
  readonly sandbox: Sandbox;
  readonly background: ShellRun[];
}

async function runBlock(block: Block, entry: Entry, page: PageRun): Promise<void> {
  if (entry.how === "check") return checkOnly(block);
  const commands = page.sandbox.withPorts(filledIn(block, entry, page.sandbox));
  let last: ShellRun | undefined;
  const start = (terminal = "main"): ShellRun => {
    last = new ShellRun(page.sandbox, terminal, commands);
    return last;
  };
  try {
    await (entry.how === "run" ? runToItsEnd(entry, start, page) : runUntilItPrints(entry, start, page));
  } catch (error) {
    const told = error instanceof Error ? error.message : String(error);
    throw new Error(`${block.page}:${block.line}: ${told}\n${commands}\n${last?.shown()}`, { cause: error });
  } finally {
    if (SHOW) process.stderr.write(`\n$ ${commands}${last?.shown()}\n`);
  }
}

/** Starts a block's commands in a terminal. */
type Start = (terminal?: string) => ShellRun;

async function runToItsEnd(entry: RunEntry, start: Start, { sandbox }: PageRun): Promise<void> {
  const since = performance.now();
  for (const terminal of entry.terminals ?? ["main"]) {
    let run: ShellRun;
    do {
      run = start(terminal);
      await run.ended();
    } while (entry.again && isTooEarly(run, entry, since));
    await expectDone(run, entry, sandbox);
  }
}

async function runUntilItPrints(entry: EndlessEntry, start: Start, page: PageRun): Promise<void> {
  const run = start(entry.terminal);
  const isLasting = entry.stops === "after the page";
  if (isLasting) page.background.push(run);
  const { meanwhile } = entry;
  try {
    await run.until(entry.prints, meanwhile && (() => meanwhile(page.sandbox)));
    const { brings } = entry;
    if (brings)
      await expect.poll(() => brings(page.sandbox), { timeout: PATIENCE_MS, interval: LOOK_MS }).toBe(true);
  } finally {
    if (!isLasting) await run.stop();
  }
}

function isTooEarly(run: ShellRun, { prints = [] }: RunEntry, since: number): boolean {
  const isThere = prints.every((pattern) => pattern.test(run.stdout));
  return !isThere && performance.now() - since < PATIENCE_MS;
}

async function expectDone(
  run: ShellRun,
  { prints = [/^$/], writes = {} }: RunEntry,
  sandbox: Sandbox,
): Promise<void> {
  expect(await run.ended(), "exit code").toBe(0);
  for (const pattern of prints) expect(run.stdout).toMatch(pattern);
  for (const [file, pattern] of Object.entries(writes)) {
    expect(await readFile(sandbox.path(file), "utf8"), file).toMatch(pattern);
  }
}

function filledIn(block: Block, { replace, begins }: Entry, sandbox: Sandbox): string {
  let text = block.text;
  for (const [from, to] of Object.entries(replace?.(sandbox) ?? {})) {
    if (!text.includes(from)) throw new Error(`${block.page}: "${from}" is not in the block of "${begins}"`);
    text = text.replaceAll(from, to);
  }
  return text;
}
