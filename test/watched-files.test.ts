import { mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { WatchedFiles, type WatchedFilesParts } from "../src/watched-files.ts";
import { ManualTimer } from "./fixtures/manual-timer.ts";

let folder = "";

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "watched-"));
});

afterEach(() => rmSync(folder, { recursive: true }));

function write(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

async function watch(paths: string[], parts: Partial<WatchedFilesParts> = {}) {
  const timer = new ManualTimer();
  const changes: string[][] = [];
  const troubles: string[] = [];
  const onChange = (contents: readonly Buffer[]) => void changes.push(contents.map(String));
  const onTrouble = ({ message }: Error) => void troubles.push(message);
  const opened = await WatchedFiles.open({ paths, timer, onChange, onTrouble, ...parts });
  return { ...opened, timer, changes, troubles };
}

test("gives the contents of all files when one changes, once", async () => {
  const [a, b] = [write("a", "1"), write("b", "2")];
  const { files, contents, changes } = await watch([a, b]);
  using _ = files;
  expect(contents.map(String)).toEqual(["1", "2"]);
  await files.check();
  write("b", "3");
  await files.check();
  await files.check();
  expect(changes).toEqual([["1", "3"]]);
});

test("sees a link that is turned, as mounted secrets are", async () => {
  write("old", "1");
  write("new", "2");
  symlinkSync("old", join(folder, "current"));
  const { files, changes } = await watch([join(folder, "current")]);
  using _ = files;
  symlinkSync("new", join(folder, "next"));
  renameSync(join(folder, "next"), join(folder, "current"));
  await files.check();
  expect(changes).toEqual([["2"]]);
});

test("looks by itself, until it is disposed of", async () => {
  const a = write("a", "1");
  const changed = Promise.withResolvers<string>();
  const { files, timer } = await watch([a], { onChange: ([text]) => changed.resolve(String(text)) });
  write("a", "2");
  timer.advance(2_000);
  expect(await changed.promise).toBe("2");
  files[Symbol.dispose]();
  timer.advance(10_000);
  expect(timer.size).toBe(0);
});

test("tells trouble once, and the contents when they are back", async () => {
  const a = write("a", "1");
  const { files, changes, troubles } = await watch([a]);
  using _ = files;
  rmSync(a);
  await files.check();
  await files.check();
  expect(troubles).toEqual([expect.stringContaining("ENOENT")]);
  write("a", "2");
  await files.check();
  expect(changes).toEqual([["2"]]);
});

test("does not offer refused contents again", async () => {
  const a = write("a", "1");
  const offered: string[] = [];
  const onChange = ([text]: readonly Buffer[]) => {
    offered.push(String(text));
    if (String(text) === "bad") throw new Error("refused");
  };
  const { files, troubles } = await watch([a], { onChange });
  using _ = files;
  write("a", "bad");
  await files.check();
  await files.check();
  write("a", "good");
  await files.check();
  expect(offered).toEqual(["bad", "good"]);
  expect(troubles).toEqual(["refused"]);
});

test("refuses a file that cannot be read, or is too large", async () => {
  await expect(watch([join(folder, "none")])).rejects.toThrow("ENOENT");
  const large = write("large", "x".repeat(4 * 1024 * 1024 + 1));
  await expect(watch([large])).rejects.toThrow("larger than");
});
