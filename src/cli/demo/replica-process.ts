import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

/** Longest time in which a replica must be ready, in milliseconds. */
const READY_TIMEOUT_MS = 30_000;

/** The service in a process of its own, so that it can be killed. */
export interface ReplicaProcess extends AsyncDisposable {
  readonly pid: number;
  /** host:port */
  readonly grpc: string;
  /** Ends it with SIGKILL: it can neither finish nor tell anybody. */
  kill(): Promise<void>;
}

/** Runs `serve` of this very program with the flags. Resolves when it is ready; rejects with what it printed when it does not get there. */
export async function startReplica(flags: readonly string[]): Promise<ReplicaProcess> {
  const program = process.argv[1] ?? "";
  const child = spawn(process.execPath, [...process.execArgv, program, "serve", "--json", ...flags], {
    stdio: ["ignore", "pipe", "pipe"],
    env: process.env.PATH === undefined ? {} : { PATH: process.env.PATH },
  });
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    child.kill(signal);
    await exited;
  };
  try {
    const grpc = await readyAddress(child);
    return {
      pid: child.pid ?? 0,
      grpc,
      kill: () => end("SIGKILL"),
      [Symbol.asyncDispose]: () => end("SIGTERM"),
    };
  } catch (error) {
    await end("SIGKILL");
    throw error;
  }
}

async function readyAddress({ stdout, stderr }: ChildProcess): Promise<string> {
  if (stdout === null || stderr === null) throw new Error("a replica has no pipes");
  let told = "";
  stderr.setEncoding("utf8").on("data", (text: string) => {
    told = (told + text).slice(-2_000);
  });
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => reject(new Error(`a replica was not ready in time\n${told}`)),
    READY_TIMEOUT_MS,
  );
  const lines = createInterface({ input: stdout });
  const closed = once(lines, "close").then(() => {
    throw new Error(`a replica ended before it was ready\n${told}`);
  });
  closed.catch(() => undefined);
  try {
    const [line] = await Promise.race([once(lines, "line"), late, closed]);
    return String((JSON.parse(String(line)) as { grpc?: unknown }).grpc);
  } finally {
    clearTimeout(timer);
  }
}
