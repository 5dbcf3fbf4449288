import { spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { SEEDED_BUGS, type SeededBug } from "./bugs.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
/** What a test needs of the checkout; the rest is linked. */
const COPIED = [
  "src",
  "test",
  "bench",
  "docs",
  "proto",
  "package.json",
  "vitest.config.ts",
  "tsconfig.json",
  "README.md",
];
const LINKED = ["node_modules", "gen"];
/** Rounds of kills: enough to pass each point once. */
const CRASH_ROUNDS = "19";
/** A test that has not ended by then is taken for red, in milliseconds. */
const LIMIT_MS = 240_000;
/** Characters of a failure that are shown. */
const MAX_MESSAGE = 160;

interface AssertionResult {
  readonly status: string;
  readonly fullName: string;
  readonly failureMessages?: readonly string[];
}

interface TestRun {
  readonly failed: readonly string[];
  readonly passed: number;
}

/** Puts each bug into a copy of the source, and demands that its test turns red. Arguments choose bugs by a part of their name. */
async function main(wanted: readonly string[]): Promise<boolean> {
  const bugs = SEEDED_BUGS.filter(
    ({ name }) => wanted.length === 0 || wanted.some((part) => name.includes(part)),
  );
  const copy = await mkdtemp(join(tmpdir(), "infobip-rpc-bugs-"));
  try {
    for (const name of COPIED) await cp(join(ROOT, name), join(copy, name), { recursive: true });
    for (const name of LINKED) await symlink(join(ROOT, name), join(copy, name));
    const tests = [...new Set(bugs.map(({ test }) => test))];
    const sound = await run(copy, tests);
    say(`without bugs: ${sound.passed} tests passed, ${sound.failed.length} failed`);
    let survivors = sound.failed.length;
    for (const bug of bugs) if (!(await isFound(copy, bug))) survivors++;
    say(survivors === 0 ? `all ${bugs.length} bugs were found` : `${survivors} were not as they should be`);
    return survivors === 0;
  } finally {
    await rm(copy, { recursive: true, force: true });
  }
}

async function isFound(copy: string, bug: SeededBug): Promise<boolean> {
  const path = join(copy, bug.file);
  const source = await readFile(path, "utf8");
  if (source.split(bug.find).length !== 2) {
    say(`STALE     ${bug.name}: ${bug.file} does not hold the text to replace, or holds it more than once`);
    return false;
  }
  await writeFile(
    path,
    source.replace(bug.find, () => bug.replace),
  );
  const begin = performance.now();
  const { failed } = await run(copy, [bug.test]);
  await writeFile(path, source);
  const seconds = Math.round((performance.now() - begin) / 1_000);
  say(`${failed.length > 0 ? "found    " : "SURVIVED "} ${bug.name} (${bug.test}, ${seconds} s)`);
  for (const name of failed.slice(0, 3)) say(`            ${name}`);
  return failed.length > 0;
}

/** Runs test files; a run without a result, as of source that does not load, is an error. */
async function run(copy: string, tests: readonly string[]): Promise<TestRun> {
  const output = join(copy, "result.json");
  await rm(output, { force: true });
  const vitest = join(ROOT, "node_modules/vitest/vitest.mjs");
  const child = spawn(
    process.execPath,
    [vitest, "run", "--reporter=json", `--outputFile=${output}`, ...tests],
    {
      cwd: copy,
      stdio: "ignore",
      env: { ...process.env, INFOBIP_RPC_CRASH_ROUNDS: CRASH_ROUNDS },
    },
  );
  const limit = setTimeout(() => child.kill("SIGKILL"), LIMIT_MS);
  await once(child, "exit");
  clearTimeout(limit);
  if (child.signalCode === "SIGKILL") return { failed: ["did not end"], passed: 0 };
  const { numPassedTests, testResults } = JSON.parse(await readFile(output, "utf8"));
  const all = (testResults as { assertionResults: AssertionResult[] }[]).flatMap(
    ({ assertionResults }) => assertionResults,
  );
  if (all.length === 0) throw new Error(`${tests.join(", ")} could not be run`);
  return {
    failed: all.filter(({ status }) => status === "failed").map(describeFailure),
    passed: numPassedTests,
  };
}

function describeFailure({ fullName, failureMessages }: AssertionResult): string {
  const [message = ""] = (failureMessages?.[0] ?? "").split("\n");
  return `${fullName}: ${message.slice(0, MAX_MESSAGE)}`;
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

process.exitCode = (await main(process.argv.slice(2))) ? 0 : 1;
