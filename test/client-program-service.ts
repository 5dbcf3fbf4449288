import { type ChildProcess, spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { createSimulator, type Simulator } from "../src/simulator/simulator.ts";

const MAIN = new URL("../src/main.ts", import.meta.url).pathname;
const WEBHOOK_SECRET = "a-secret-of-the-client-tests";
const START_ATTEMPTS = 20;

/** Extra settings of the service, as its environment has them. */
export type ServiceSettings = Readonly<Record<string, string>>;

/** The service as a process of its own, in front of a simulator, on ports that stay the same over restarts. */
export class ClientService implements AsyncDisposable {
  readonly grpc: string;
  readonly http: string;
  readonly #folder: string;
  readonly #simulator: Simulator;
  readonly #environment: Readonly<Record<string, string>>;
  readonly #webhook: string;
  #child: ChildProcess | undefined;

  private constructor(folder: string, simulator: Simulator, baseUrl: string, settings: ServiceSettings) {
    // Below the range of outgoing ports, so that a client which tries to connect cannot take the port itself.
    const port = randomInt(10_000, 32_000);
    this.grpc = `127.0.0.1:${port}`;
    this.http = `127.0.0.1:${port + 1}`;
    this.#webhook = `127.0.0.1:${port + 2}`;
    this.#folder = folder;
    this.#simulator = simulator;
    this.#environment = {
      PATH: process.env.PATH ?? "",
      NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? "",
      INFOBIP_RPC_UPSTREAM_BASE_URL: baseUrl,
      INFOBIP_RPC_UPSTREAM_API_KEY: "simulator",
      INFOBIP_RPC_GRPC_LISTEN: this.grpc,
      INFOBIP_RPC_HTTP_LISTEN: this.http,
      INFOBIP_RPC_WEBHOOK_LISTEN: this.#webhook,
      INFOBIP_RPC_ADMIN_LISTEN: "127.0.0.1:0",
      INFOBIP_RPC_WEBHOOK_PUBLIC_URL: `http://${this.#webhook}`,
      INFOBIP_RPC_WEBHOOK_SECRET: WEBHOOK_SECRET,
      INFOBIP_RPC_DATA_DIR: folder,
      INFOBIP_RPC_LOG_LEVEL: "error",
      ...settings,
    };
  }

  /** Starts a simulator and the service. */
  static async start(settings: ServiceSettings = {}): Promise<ClientService> {
    const folder = await mkdtemp(join(tmpdir(), "client-service-"));
    const simulator = createSimulator();
    const baseUrl = await simulator.start();
    for (let attempt = 1; ; attempt++) {
      const service = new ClientService(folder, simulator, baseUrl, settings);
      try {
        await service.resumeFromStop();
        return service;
      } catch (error) {
        if (!/ADDRESS_IN_USE/.test(String(error)) || attempt === START_ATTEMPTS) {
          await service[Symbol.asyncDispose]();
          throw error;
        }
      }
    }
  }

  /** Starts the process again, on the same ports and log. */
  async resumeFromStop(): Promise<void> {
    const child = spawn(process.execPath, [MAIN, "serve", "--json"], {
      env: this.#environment,
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#child = child;
    let stderr = "";
    child.stderr.on("data", (chunk) => {
      stderr = (stderr + chunk).slice(-4_000);
    });
    const ready = once(createInterface(child.stdout), "line");
    const ended = once(child, "close").then(() => {
      throw new Error(`the service did not start:\n${stderr}`);
    });
    await Promise.race([ready, ended]);
    ended.catch(() => undefined);
  }

  /** SIGTERM, and a new process on the same ports and log once the old one has ended. */
  async restart(): Promise<void> {
    await this.#end("SIGTERM");
    await this.resumeFromStop();
  }

  /** SIGSTOP: connections stay open and nothing answers. */
  pause(): void {
    this.#child?.kill("SIGSTOP");
  }

  /** SIGCONT */
  unpause(): void {
    this.#child?.kill("SIGCONT");
  }

  /** Delivers a report of a message, as Infobip's webhook would. */
  async report(messageId: string, groupId: number, id: number): Promise<void> {
    const doneAt = "2026-01-02T03:04:05.000+0000";
    const report = { event: "DELIVERY", messageId, status: { groupId, id }, doneAt };
    const answer = await fetch(`http://${this.#webhook}/v1/delivery/${WEBHOOK_SECRET}`, {
      method: "POST",
      headers: { "content-type": "application/json", connection: "close" },
      body: JSON.stringify({ results: [report] }),
    });
    if (answer.status !== 200) throw new Error(`the report was answered with ${answer.status}`);
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    child.kill(signal);
    child.kill("SIGCONT");
    await exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#end("SIGKILL");
    await this.#simulator[Symbol.asyncDispose]();
    await rm(this.#folder, { recursive: true, force: true });
  }
}
