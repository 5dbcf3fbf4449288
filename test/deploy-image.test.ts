import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { access, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { afterEach, beforeAll, expect, it } from "vitest";
import packageJson from "../package.json" with { type: "json" };
import { freePort } from "../src/cli/free-port.ts";

const ROOT = new URL("..", import.meta.url).pathname;
const MAIN = join(ROOT, "src/main.ts");

interface Instruction {
  readonly name: string;
  readonly value: string;
}

let stages: Instruction[][];
beforeAll(async () => {
  const text = await readFile(join(ROOT, "Dockerfile"), "utf8");
  const lines = text
    .replaceAll(/^#.*\n/gm, "")
    .replaceAll(/\\\n\s*/g, "")
    .split("\n")
    .filter((line) => line !== "");
  stages = [];
  for (const line of lines) {
    const [name = "", value = ""] = line.split(/ (.*)/s);
    if (name === "FROM") stages.push([]);
    stages.at(-1)?.push({ name, value });
  }
});

const children: ChildProcess[] = [];
const folders: string[] = [];
afterEach(async () => {
  for (const child of children.splice(0)) if (child.exitCode === null) child.kill("SIGKILL");
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

function valuesOf(stage: number, name: string): string[] {
  return (stages[stage] ?? []).filter((instruction) => instruction.name === name).map(({ value }) => value);
}

it("is built in two stages from the Node that the tests run on, pinned", () => {
  expect(stages).toHaveLength(2);
  const image = `node:${packageJson.devDependencies.node}-bookworm-slim`;
  expect(valuesOf(0, "FROM")).toEqual([`${image} AS build`]);
  expect(valuesOf(1, "FROM")).toEqual([image]);
  expect(valuesOf(1, "LABEL")[0]).toContain(`image.version="${packageJson.version}"`);
});

it("copies what is there, and the build context holds it and nothing else", async () => {
  const sources = valuesOf(0, "COPY").flatMap((value) => value.split(" ").slice(0, -1));
  for (const source of sources) await access(join(ROOT, source));
  const ignored = (await readFile(join(ROOT, ".dockerignore"), "utf8")).trim().split("\n");
  expect(ignored[0]).toBe("*");
  const kept = ignored.slice(1).map((line) => line.replace("!", ""));
  expect(kept.toSorted()).toEqual(sources.map((source) => source.replace("./", "")).toSorted());
});

it("runs only scripts that the package has", () => {
  const scripts = valuesOf(0, "RUN").flatMap((value) => value.match(/(?<=npm run -s )\S+/g) ?? []);
  expect(scripts).toEqual(["bundle"]);
  expect(Object.keys(packageJson.scripts)).toEqual(expect.arrayContaining(scripts));
});

it("runs as nobody in particular, by number, and writes to its volume only", () => {
  expect(valuesOf(1, "USER")).toEqual(["1000:1000"]);
  expect(valuesOf(1, "VOLUME")).toEqual(["/data"]);
  expect(valuesOf(1, "RUN").join()).toContain("install -d -o 1000 -g 1000 -m 0700 /data");
  expect(valuesOf(1, "ENV")[0]).toContain("INFOBIP_RPC_DATA_DIR=/data");
});

it("says by its health check how the service is, and ends by its stop signal as its first process would", async () => {
  const folder = await mkdtemp(join(tmpdir(), "deploy-image-"));
  folders.push(folder);
  const environment = {
    PATH: process.env.PATH,
    NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE,
    INFOBIP_RPC_DATA_DIR: folder,
    INFOBIP_RPC_UPSTREAM_BASE_URL: "http://127.0.0.1:9",
    INFOBIP_RPC_UPSTREAM_API_KEY: "k",
    INFOBIP_RPC_GRPC_LISTEN: `unix:${folder}/grpc.sock`,
    INFOBIP_RPC_HTTP_LISTEN: "",
    INFOBIP_RPC_WEBHOOK_LISTEN: "127.0.0.1:0",
    INFOBIP_RPC_ADMIN_LISTEN: `127.0.0.1:${await freePort()}`,
  };
  const [, command = "[]"] = valuesOf(1, "HEALTHCHECK")[0]?.split("CMD ") ?? [];
  const [program, ...args] = JSON.parse(command) as string[];
  expect([program, JSON.parse(valuesOf(1, "ENTRYPOINT")[0] ?? "")]).toEqual(["infobip-rpc", ["infobip-rpc"]]);
  const check = () =>
    promisify(execFile)(process.execPath, [MAIN, ...args], { env: environment, timeout: 15_000 }).then(
      () => 0,
      ({ code }: { code: number }) => code,
    );
  expect(await check()).toBe(1);
  const serve = JSON.parse(valuesOf(1, "CMD")[0] ?? "[]") as string[];
  const child = spawn(process.execPath, [MAIN, ...serve, "--json"], {
    env: environment,
    stdio: ["ignore", "pipe", "ignore"],
  });
  children.push(child);
  const exited = once(child, "exit");
  await once(createInterface(child.stdout), "line");
  expect(await check()).toBe(0);
  child.kill(valuesOf(1, "STOPSIGNAL")[0] as NodeJS.Signals);
  expect(await exited).toEqual([0, null]);
});
