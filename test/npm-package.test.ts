import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import packageJson from "../package.json" with { type: "json" };
import { type ServiceRig, startServiceRig } from "./fixtures/service-rig.ts";

const ROOT = new URL("..", import.meta.url).pathname;
const TSC = join(ROOT, "node_modules/.bin/tsc");
/** What `npm pack` builds from. A copy, since the build empties dist, which others may be using. */
const SOURCES = ["src", "gen", "proto", "bundle.ts", "package.json", "tsconfig.json", "tsconfig.client.json"];
const LEGAL = ["LICENSE", "README.md"];
const INSTALL = ["install", "--prefer-offline", "--no-audit", "--no-fund", "--loglevel=error"];

let folder: string;
let project: string;
let rig: ServiceRig;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "npm-package-"));
  const copy = join(folder, "copy");
  project = join(folder, "project");
  await mkdir(project);
  for (const name of [...SOURCES, ...LEGAL])
    await cp(join(ROOT, name), join(copy, name), { recursive: true });
  await symlink(join(ROOT, "node_modules"), join(copy, "node_modules"));
  await run("npm", ["pack", "--silent", "--pack-destination", folder], copy);
  await writeFile(join(project, "package.json"), JSON.stringify({ name: "shop", type: "module" }));
  await run("npm", [...INSTALL, join(folder, `infobip-rpc-${packageJson.version}.tgz`)], project);
}, 120_000);
afterAll(async () => {
  await rig?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

function run(program: string, args: readonly string[], cwd: string) {
  return promisify(execFile)(program, args, { cwd, timeout: 90_000, maxBuffer: 8 * 1024 * 1024 });
}

it("brings what its client needs, and nothing that the program has in itself", async () => {
  const installed = await readdir(join(project, "node_modules"));
  for (const bundled of ["pino", "undici", "zod", "yaml", "commander", "@opentelemetry", "@nats-io"])
    expect(installed).not.toContain(bundled);
  const files = await readdir(join(project, "node_modules/infobip-rpc"), { recursive: true });
  expect(files.filter((name) => name.startsWith("src") || name.startsWith("test"))).toEqual([]);
  expect(files).toEqual(expect.arrayContaining(["dist/bin.js", "dist/client/index.d.ts", "LICENSE"]));
});

it("runs its program", async () => {
  const version = await run("npx", ["--no-install", "infobip-rpc", "--version"], project);
  expect(version.stdout).toBe(`${packageJson.version}\n`);
  const demo = await run(
    "npx",
    ["--no-install", "infobip-rpc", "demo", "--messages", "5", "--json"],
    project,
  );
  const [last] = demo.stdout.trim().split("\n").slice(-1);
  expect(JSON.parse(last ?? "")).toMatchObject({ event: "summary", missing: [] });
}, 60_000);

it("type-checks and runs a program that uses its client", async () => {
  rig = await startServiceRig();
  const program = await readFile(join(ROOT, "test/fixtures/npm-consumer.ts"), "utf8");
  await writeFile(join(project, "main.ts"), program.replace(/^.*@ts-nocheck.*\n/m, ""));
  await writeFile(
    join(project, "wrong.ts"),
    program.replace(/^.*@ts-nocheck.*\n/m, "").replace("messages: [text]", "message: [text]"),
  );
  const strict = ["--strict", "--module", "nodenext", "--target", "es2024", "--types", "node", "--noEmit"];
  await run(TSC, [...strict, "main.ts"], project);
  await expect(run(TSC, [...strict, "wrong.ts"], project)).rejects.toMatchObject({
    stdout: expect.stringContaining("'message' does not exist"),
  });
  for (const [transport, address] of [
    ["grpc", rig.addresses.grpc],
    ["connect", `http://${rig.addresses.http}`],
  ] as const) {
    const child = spawn(process.execPath, ["main.ts", transport, address], {
      cwd: project,
      stdio: ["ignore", "pipe", "inherit"],
      timeout: 20_000,
    });
    const exited = once(child, "exit");
    const lines: string[] = [];
    for await (const line of createInterface(child.stdout)) lines.push(line);
    expect(await exited).toEqual([0, null]);
    expect(lines).toEqual(["sent 1", "final true", "refused REQUEST_INVALID NOT_SENT"]);
  }
}, 60_000);

it("gives every generated file by one of two names", async () => {
  for (const name of ["messages", "events"]) {
    const files = (await readdir(join(ROOT, "gen/infobip", name, "v1"))).filter((file) =>
      file.endsWith(".js"),
    );
    const text = await readFile(join(ROOT, "src/client", `${name}.ts`), "utf8");
    const given = [...text.matchAll(/\/([a-z_]+_pb\.js)"/g)].map(([, file]) => file);
    expect(given.toSorted()).toEqual(files.toSorted());
  }
});
