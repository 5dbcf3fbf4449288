import { writeFile } from "node:fs/promises";
import { cpus, totalmem } from "node:os";
import { parseArgs } from "node:util";
import { alignTable } from "../src/cli/table.ts";
import { measureFanOut } from "./fan-out.ts";
import { measureFleet } from "./fleet.ts";
import { measureFootprint } from "./footprint.ts";
import { measureGrowth } from "./growth.ts";
import { measureIntake } from "./intake.ts";
import { measureLatency } from "./latency.ts";
import { keepsBudget, type Row } from "./row.ts";
import { measureSendCpu } from "./send-cpu.ts";
import { measureSendLatency } from "./send-latency.ts";

const USAGE = `Measures the product against its budgets, as ratios within one run.

  npm run bench                       everything; takes several minutes
  npm run bench -- --quick            smaller sizes; about two minutes
  npm run bench -- --only intake      one group: intake, fan-out, latency, growth, footprint, send-cpu, send-latency, fleet
  npm run bench -- --output FILE      where the JSON goes (default bench/results.json)

Needs Linux: CPU is read from the system's accounting. Exit code 3 when a budget is missed.
`;

/** Exit code of a run that went well and missed a budget: 1 is what a crash gives. */
const OVER_BUDGET = 3;

const GROUPS: Readonly<Record<string, (quick: boolean) => Promise<Row[]>>> = {
  intake: async (quick) => [await measureIntake({ posts: quick ? 100 : 400, rounds: quick ? 3 : 7 })],
  "fan-out": (quick) =>
    measureFanOut({
      posts: quick ? { 1: 100, 100: 20, 1000: 3 } : { 1: 300, 100: 100, 1000: 20 },
      rounds: quick ? 3 : 5,
    }),
  latency: (quick) => measureLatency({ posts: quick ? 300 : 1_500 }),
  growth: (quick) =>
    measureGrowth({
      sizes: quick ? [10_000, 100_000, 300_000] : [10_000, 1_000_000, 10_000_000],
      sample: quick ? 5_000 : 20_000,
      rounds: quick ? 3 : 5,
    }),
  footprint: (quick) =>
    measureFootprint({ starts: quick ? 7 : 15, services: quick ? 1 : 3, calls: quick ? 30_000 : 60_000 }),
  "send-cpu": (quick) =>
    measureSendCpu({
      phaseMs: quick ? 400 : 2_000,
      warmUpCalls: quick ? 5_000 : 20_000,
      warmUpMs: quick ? 2_000 : 20_000,
      rounds: quick ? 3 : 7,
    }),
  "send-latency": (quick) =>
    measureSendLatency({
      phaseMs: quick ? 300 : 2_000,
      warmUpCalls: quick ? 5_000 : 20_000,
      warmUpMs: quick ? 2_000 : 20_000,
      rounds: quick ? 3 : 7,
    }),
  fleet: (quick) =>
    measureFleet({
      posts: quick ? 100 : 400,
      rounds: quick ? 3 : 7,
      watchPosts: quick ? 20 : 100,
      latencyPosts: quick ? 300 : 1_500,
    }),
};

/** Prints to stdout: this is a tool of the developers, outside the product's own output. */
function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

function verdict(row: Row): string {
  const keeps = keepsBudget(row);
  if (keeps === undefined) return "-";
  return keeps ? "ok" : "over";
}

function printTable(rows: readonly Row[]): void {
  const lines = rows.map((row) => [
    row.name,
    `${row.measured} ${row.unit}`,
    row.budget === undefined ? "-" : `${row.budget} ${row.unit}`,
    verdict(row),
    row.what,
  ]);
  for (const line of alignTable([["row", "measured", "budget", "", "what"], ...lines])) print(line);
}

async function measure(only: string | undefined, quick: boolean): Promise<Row[]> {
  const rows: Row[] = [];
  for (const [name, group] of Object.entries(GROUPS)) {
    if (only !== undefined && only !== name) continue;
    process.stderr.write(`measuring ${name} ...\n`);
    rows.push(...(await group(quick)));
  }
  return rows;
}

const { values } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    only: { type: "string" },
    output: { type: "string", default: new URL("results.json", import.meta.url).pathname },
    help: { type: "boolean", default: false },
  },
});
if (values.help || (values.only !== undefined && GROUPS[values.only] === undefined)) {
  print(USAGE);
  process.exitCode = values.help ? 0 : 2;
} else {
  const rows = await measure(values.only, values.quick);
  printTable(rows);
  const machine = { cores: cpus().length, memory_gib: Math.round(totalmem() / 2 ** 30) };
  const report = { quick: values.quick, node: process.version, machine, rows };
  await writeFile(values.output, `${JSON.stringify(report, undefined, 2)}\n`);
  process.exitCode = rows.some((row) => keepsBudget(row) === false) ? OVER_BUDGET : 0;
}
