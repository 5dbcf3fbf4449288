import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

const MAIN = new URL("../src/main.ts", import.meta.url).pathname;

/** The simulator of Infobip's API in a process of its own, on loopback. */
export interface SimulatorProcess extends AsyncDisposable {
  /** http://host:port */
  readonly url: string;
}

/** The API key that it accepts. */
export const SIMULATOR_KEY = "simulator";

/** Starts it. */
export async function startSimulator(): Promise<SimulatorProcess> {
  const child = spawn(process.execPath, [MAIN, "simulate", "--port", "0", "--json"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = once(child, "exit").then(() => {
    throw new Error("the simulator ended before it was ready");
  });
  const [line] = await Promise.race([once(createInterface(child.stdout), "line"), ended]);
  ended.catch(() => undefined);
  return {
    url: (JSON.parse(String(line)) as { base_url: string }).base_url,
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill();
      await once(child, "exit");
    },
  };
}
