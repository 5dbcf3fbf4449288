import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { cpuMicroseconds, peakResidentMiB, residentMiB } from "./process-usage.ts";

const MAIN = new URL("../src/main.ts", import.meta.url).pathname;
const SECRET = "a-secret-of-the-benchmark";

/** The product in a process of its own, on loopback, with a log in a temporary folder. */
export interface ServiceProcess extends AsyncDisposable {
  /** host:port */
  readonly grpc: string;
  /** host:port of the HTTP listener; empty when it is off, as it is by default. */
  readonly http: string;
  /** URL of a webhook route, secret included. */
  readonly webhookUrl: (route: string) => string;
  readonly cpuMicroseconds: () => number;
  readonly residentMiB: () => number;
  /** The most that was resident at one time since the start. */
  readonly peakResidentMiB: () => number;
  /** From the start of the process to the line that says that it is ready, in milliseconds. */
  readonly readyMs: number;
  /** Folder of the log. */
  readonly dataDir: string;
  /** Ends the process and leaves the log where it is. */
  stop(signal: "SIGTERM" | "SIGKILL"): Promise<void>;
}

/**
 * Starts the service. `settings` are environment variables without their
 * prefix, `program` the file that is run: the source, or a bundle of it. With a
 * DATA_DIR of the caller's the folder is the caller's to remove.
 */
export async function startService(
  settings: Readonly<Record<string, string>> = {},
  program: string = MAIN,
): Promise<ServiceProcess> {
  const dataDir = settings.DATA_DIR ?? (await mkdtemp(join(tmpdir(), "infobip-rpc-bench-")));
  const startedAt = performance.now();
  const child = spawnService({ ...settings, DATA_DIR: dataDir }, program);
  const pid = child.pid ?? 0;
  const ready = await firstLine(child);
  const readyMs = performance.now() - startedAt;
  return {
    grpc: ready.grpc,
    http: ready.http,
    webhookUrl: (route) => `http://${ready.webhook}/v1/${route}/${SECRET}`,
    cpuMicroseconds: () => cpuMicroseconds(pid),
    residentMiB: () => residentMiB(pid),
    peakResidentMiB: () => peakResidentMiB(pid),
    readyMs,
    dataDir,
    stop: (signal) => stop(child, signal),
    async [Symbol.asyncDispose]() {
      await stop(child, "SIGTERM");
      if (settings.DATA_DIR === undefined) await rm(dataDir, { recursive: true, force: true });
    },
  };
}

async function stop(child: ChildProcess, signal: "SIGTERM" | "SIGKILL"): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill(signal);
  await once(child, "exit");
}

function spawnService(settings: Readonly<Record<string, string>>, program: string): ChildProcess {
  const all = {
    UPSTREAM_BASE_URL: "http://127.0.0.1:9",
    UPSTREAM_API_KEY: "unused",
    GRPC_LISTEN: "127.0.0.1:0",
    HTTP_LISTEN: "",
    WEBHOOK_LISTEN: "127.0.0.1:0",
    ADMIN_LISTEN: "",
    WEBHOOK_SECRET: SECRET,
    LOG_LEVEL: "error",
    DRAIN_TIMEOUT: "1s",
    ...settings,
  };
  const named = Object.entries(all).map(([name, value]) => [`INFOBIP_RPC_${name}`, value]);
  // A bundle as its users run it: by its first line, which finds Node on the PATH.
  const [file, args] = program === MAIN ? [process.execPath, [MAIN]] : [program, []];
  return spawn(file, [...args, "serve", "--json"], {
    env: {
      PATH: `${dirname(process.execPath)}:${process.env.PATH}`,
      NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE,
      ...Object.fromEntries(named),
    },
    stdio: ["ignore", "pipe", "inherit"],
  });
}

/** Where the service listens, as it says on stdout. */
interface Addresses {
  readonly grpc: string;
  readonly http: string;
  readonly webhook: string;
}

async function firstLine(child: ChildProcess): Promise<Addresses> {
  if (child.stdout === null) throw new Error("the service has no stdout");
  const lines = createInterface(child.stdout);
  const ended = once(child, "exit").then(() => {
    throw new Error("the service ended before it was ready");
  });
  const [line] = await Promise.race([once(lines, "line"), ended]);
  ended.catch(() => undefined);
  return JSON.parse(String(line)) as Addresses;
}
