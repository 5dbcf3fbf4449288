import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { freePort } from "../../src/cli/free-port.ts";
import { ROOT } from "./block.ts";
import { type DefaultPorts, standIns } from "./stand-ins.ts";

/** What of the checkout pages may read from the folder they run in. */
const CHECKOUT = ["deploy", "proto", "docs", "package.json", "Dockerfile"];
/** A port of this machine in a command. */
const LOCAL_PORT = /(?<=(?:127\.0\.0\.1|localhost|0\.0\.0\.0):|--port )\d{4,5}\b/g;
/** Ports of the program where nothing else is said. */
const DEFAULTS = { grpc: "50051", http: "8080", webhook: "8081", admin: "9464" } as const;
/** Ports that pages name. */
const NAMED = [...Object.values(DEFAULTS), "8888", "4318"];

/** Where a page's commands run: a folder with nothing of the machine's but its programs, and ports of its own. */
export class Sandbox implements AsyncDisposable {
  readonly folder: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly #ports: ReadonlyMap<string, number>;

  private constructor(folder: string, ports: ReadonlyMap<string, number>) {
    this.folder = folder;
    this.#ports = ports;
    const path = [join(folder, ".bin"), dirname(process.execPath), process.env.PATH ?? ""];
    this.environment = {
      PATH: path.join(delimiter),
      HOME: join(folder, ".home"),
      TMPDIR: join(folder, ".tmp"),
      // Each command compiles the same sources.
      NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? "",
    };
  }

  static async create(): Promise<Sandbox> {
    const folder = await mkdtemp(join(tmpdir(), "docs-commands-"));
    const sandbox = new Sandbox(folder, await differentPorts(NAMED));
    for (const name of [".bin", ".home", ".tmp"]) await mkdir(join(folder, name));
    for (const name of CHECKOUT) await symlink(join(ROOT, name), join(folder, name));
    for (const [name, text] of Object.entries(standIns(folder, sandbox.#defaultPorts()))) {
      await writeFile(join(folder, ".bin", name), text);
      await chmod(join(folder, ".bin", name), 0o755);
    }
    return sandbox;
  }

  /** Path of a file in the folder. */
  path(name: string): string {
    return join(this.folder, name);
  }

  /** Address that stands for a port of the pages. */
  address(port: string): string {
    return `127.0.0.1:${this.#port(port)}`;
  }

  /** A text with this sandbox's ports in the place of the pages'. */
  withPorts(text: string): string {
    return text.replace(LOCAL_PORT, (port) => String(this.#port(port)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }

  #port(named: string): number {
    const port = this.#ports.get(named);
    if (port === undefined)
      throw new Error(`port ${named}: add it to NAMED in test/docs-commands/sandbox.ts`);
    return port;
  }

  #defaultPorts(): DefaultPorts {
    const { grpc, http, webhook, admin } = DEFAULTS;
    return {
      grpc: this.#port(grpc),
      http: this.#port(http),
      webhook: this.#port(webhook),
      admin: this.#port(admin),
    };
  }
}

async function differentPorts(names: readonly string[]): Promise<Map<string, number>> {
  const ports = new Set<number>();
  while (ports.size < names.length) ports.add(await freePort());
  return new Map([...ports].map((port, index) => [names[index] ?? "", port]));
}
