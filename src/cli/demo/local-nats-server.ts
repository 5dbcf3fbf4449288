import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

/** Where Debian installs it, which is not on everybody's PATH. */
const NAMES = ["nats-server", "/usr/sbin/nats-server"];
/** Lines of its log that are told when it does not start. */
const LAST_LINES = 5;

/** A nats-server with JetStream on loopback, run as a child process for as long as it is needed. */
export interface LocalNatsServer extends AsyncDisposable {
  /** nats://127.0.0.1:port */
  readonly url: string;
  readonly pid: number;
}

/** Starts nats-server with its store in a folder. Resolves with undefined where it is not installed; rejects when it does not start. */
export async function startLocalNatsServer(
  folder: string,
  port: number,
): Promise<LocalNatsServer | undefined> {
  for (const name of NAMES) {
    const child = await begin(name, ["-a", "127.0.0.1", "-p", String(port), "-js", "-sd", folder]);
    if (child === undefined) continue;
    return {
      url: `nats://127.0.0.1:${port}`,
      pid: child.pid ?? 0,
      [Symbol.asyncDispose]: () => end(child),
    };
  }
  return undefined;
}

/** Undefined when there is no such program. */
async function begin(name: string, args: readonly string[]): Promise<ChildProcess | undefined> {
  const child = spawn(name, args, { stdio: ["ignore", "ignore", "pipe"] });
  const last: string[] = [];
  const lines = createInterface({ input: child.stderr });
  return new Promise((resolve, reject) => {
    child.once("error", (error: NodeJS.ErrnoException) =>
      error.code === "ENOENT" ? resolve(undefined) : reject(error),
    );
    lines.on("line", (line) => {
      last.push(line);
      if (last.length > LAST_LINES) last.shift();
      if (line.includes("Server is ready")) resolve(child);
    });
    child.once("exit", () => reject(new Error(`nats-server did not start:\n${last.join("\n")}`)));
  });
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  child.kill("SIGTERM");
  await exited;
}
