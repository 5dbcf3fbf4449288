import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { randomBytes, randomInt } from "node:crypto";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { describe, expect, it } from "vitest";

/** A nats-server of a test's own, with JetStream, on loopback. */
export interface NatsServer extends AsyncDisposable {
  /** `nats://127.0.0.1:<port>`; the port stays the same over restarts. */
  readonly url: string;
  /** Process id of the server that runs, or ran last. */
  readonly pid: number;
  /** SIGSTOP: connections stay open and nothing answers once this returns. */
  pause(): void;
  /** SIGCONT */
  resume(): void;
  /** Ends it (default SIGTERM) and starts it again on the same port and store. */
  restart(signal?: NodeJS.Signals): Promise<void>;
  /** Ends it; start() brings it back. */
  stop(signal?: NodeJS.Signals): Promise<void>;
  start(): Promise<void>;
}

/** How a server is started. */
export interface NatsServerOptions {
  /** Extra lines of its configuration file. */
  readonly config?: string;
}

const START_ATTEMPTS = 20;
const LAST_LINES = 15;
const STOP_WAIT_MS = 2_000;

/** Where nats-server is, on PATH or where Debian installs it. */
const BINARY = ["nats-server", "/usr/sbin/nats-server"].find(
  (path) => spawnSync(path, ["--version"], { stdio: "ignore" }).status === 0,
);

/** Servers that run; they must not outlive a test run that ends early. */
const running = new Set<ChildProcess>();
process.once("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/** Starts a server and waits until it takes connections. */
export async function startNatsServer(options: NatsServerOptions = {}): Promise<NatsServer> {
  const folder = await mkdtemp(join(tmpdir(), "nats-server-"));
  const configFile = join(folder, "server.conf");
  await writeFile(configFile, `${options.config ?? ""}\n`, { mode: 0o600 });
  try {
    for (let attempt = 1; ; attempt += 1) {
      // Below the range of outgoing ports: a client that connects to a port of that range which nobody
      // listens on can end up connected to itself, and then the server cannot come back.
      const port = randomInt(10_000, 32_000);
      try {
        return runningServer(folder, configFile, port, await launch(folder, configFile, port));
      } catch (error) {
        if (!/address already in use/.test(String(error)) || attempt === START_ATTEMPTS) throw error;
      }
    }
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

/** describe() where nats-server is installed; elsewhere a skipped suite and a loud line, or a failing test when INFOBIP_RPC_REQUIRE_NATS=1. */
export function describeNats(name: string, suite: () => void): void {
  if (BINARY !== undefined) {
    describe(name, suite);
    return;
  }
  process.stderr.write(`\n*** NOT TESTED, nats-server is not installed: ${name}\n\n`);
  if (process.env.INFOBIP_RPC_REQUIRE_NATS === "1") {
    it(`${name}: needs nats-server`, () =>
      expect.fail("INFOBIP_RPC_REQUIRE_NATS=1 and no nats-server on PATH"));
  }
  describe.skip(name, suite);
}

/** A prefix nobody else uses, so that one server can serve all tests of a file. */
export function uniquePrefix(): string {
  return `T${randomBytes(6).toString("hex").toUpperCase()}`;
}

function runningServer(folder: string, configFile: string, port: number, first: ChildProcess): NatsServer {
  let child = first;
  const server: NatsServer = {
    url: `nats://127.0.0.1:${port}`,
    get pid() {
      return child.pid ?? 0;
    },
    pause: () => {
      child.kill("SIGSTOP");
      awaitStopped(child.pid ?? 0);
    },
    resume: () => void child.kill("SIGCONT"),
    restart: async (signal) => {
      await server.stop(signal);
      await server.start();
    },
    stop: (signal) => end(child, signal ?? "SIGTERM"),
    start: async () => {
      child = await launch(folder, configFile, port);
    },
    [Symbol.asyncDispose]: async () => {
      await end(child, "SIGKILL");
      await rm(folder, { recursive: true, force: true });
    },
  };
  return server;
}

/** The signal takes effect after kill() has returned; until then the server would still answer. Linux only, elsewhere it returns at once. */
function awaitStopped(pid: number): void {
  const tasks = `/proc/${pid}/task`;
  const deadline = performance.now() + STOP_WAIT_MS;
  const isStopped = () =>
    readdirSync(tasks).every((task) => /\) [TtZ] /.test(readFileSync(`${tasks}/${task}/stat`, "utf8")));
  while (existsSync(tasks) && !isStopped()) {
    if (performance.now() > deadline) throw new Error(`nats-server ${pid} did not stop`);
  }
}

async function launch(folder: string, configFile: string, port: number): Promise<ChildProcess> {
  const args = ["-c", configFile, "-a", "127.0.0.1", "-p", String(port), "-js", "-sd", join(folder, "store")];
  const child = spawn(BINARY ?? "nats-server", args, { stdio: ["ignore", "ignore", "pipe"] });
  running.add(child);
  child.once("exit", () => running.delete(child));
  const last: string[] = [];
  const lines = createInterface({ input: child.stderr });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    lines.on("line", (line) => {
      last.push(line);
      if (last.length > LAST_LINES) last.shift();
      if (line.includes("Server is ready")) resolve(child);
    });
    lines.once("close", () => reject(new Error(`nats-server did not start:\n${last.join("\n")}`)));
  });
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  child.kill(signal);
  // A paused server takes no signal but SIGKILL until it goes on.
  child.kill("SIGCONT");
  await exited;
}
