import { execFileSync } from "node:child_process";
import { transform } from "esbuild";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { parseCallers } from "../src/callers/parse-callers.ts";
import { readConfig } from "../src/config/load-config.ts";
import { type Block, firstLine, isShell, pageNames, readBlocks } from "./docs-commands/block.ts";

/** YAML that is none of the service's: first lines. */
const FOREIGN_YAML = new Set([
  'readinessProbe: {httpGet: {path: "/readyz?role=send", port: 9464}}',
  // A collector's.
  "receivers:",
]);
/** Any file that a sample names, such as a secret's; long enough for each. */
const SECRET = "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0";
/** What a sample leaves out and the service needs. */
const NEEDED = {
  "upstream.base_url": "https://xxxxx.api.infobip.com",
  "upstream.api_key": "a-key",
  "webhook.secret": SECRET,
};

const blocks = (await Promise.all((await pageNames()).map(readBlocks))).flat();
const inLanguage = (...languages: string[]): [string, Block][] =>
  blocks
    .filter(({ language }) => languages.includes(language))
    .map((block) => [`${block.page}:${block.line}`, block]);

describe("samples of configuration are taken by the service", () => {
  test.each(inLanguage("yaml"))("%s", async (_place, block) => {
    const sample: unknown = parse(block.text);
    expect(sample).toBeTypeOf("object");
    if (FOREIGN_YAML.has(firstLine(block))) return;
    if (firstLine(block) === "callers:") {
      expect(parseCallers(block.text).length).toBeGreaterThan(0);
      return;
    }
    expect(await problemsOf(block.text)).toEqual([]);
  });

  test("a setting that is not there is a problem", async () => {
    expect(await problemsOf("webhook: { lisen: 0.0.0.0:8081 }\n")).toHaveLength(1);
  });
});

describe("samples of code can be parsed", () => {
  test.each(inLanguage("ts"))("%s", async (_place, block) => {
    expect((await transform(block.text, { loader: "ts", format: "esm", target: "es2024" })).warnings).toEqual(
      [],
    );
  });

  test.each(inLanguage("python"))("%s", (_place, block) => {
    execFileSync("python3", ["-c", "import ast, sys; ast.parse(sys.stdin.read())"], { input: block.text });
  });

  test.each(inLanguage("json"))("%s", (_place, block) => {
    expect(JSON.parse(block.text)).toBeTypeOf("object");
  });
});

test("every block is for a shell, of a language that is looked at, or a drawing", () => {
  const known = ["yaml", "ts", "python", "json", "text", ""];
  const others = blocks.filter((block) => !isShell(block) && !known.includes(block.language));
  expect(others.map(({ page, line, language }) => `${page}:${line}: ${language}`)).toEqual([]);
});

/** What the service says to a sample, once what it needs beside it is there. */
async function problemsOf(sample: string): Promise<string[]> {
  const keys = Object.entries(parse(sample) as Record<string, object | null>).flatMap(([group, value]) =>
    Object.keys(value ?? {}).map((key) => `${group}.${key}`.replace(/_file$/, "")),
  );
  const missing = Object.entries(NEEDED).filter(([path]) => !keys.includes(path));
  const flags = missing.map(([path, value]): [string, string] => [
    `--${path.replaceAll(/[._]/g, "-")}`,
    value,
  ]);
  const { problems } = await readConfig({
    flags: new Map(flags),
    environment: {},
    file: "service.yaml",
    readTextFile: async (name) => (name === "service.yaml" ? sample : SECRET),
  });
  return problems.map(({ setting, message }) => `${setting}: ${message}`);
}
