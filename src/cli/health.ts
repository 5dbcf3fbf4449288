import { request } from "node:http";
import { type Command, Option } from "commander";
import { formatListenAddress, type ListenAddress } from "../config/listen-address.ts";
import { readConfig } from "../config/load-config.ts";
import { CliError, usageError } from "./cli-error.ts";
import { type CommandBody, examples, JSON_FLAG, type Runner, type Session } from "./command.ts";
import { EXIT } from "./exit-codes.ts";
import { timeFlag } from "./option-values.ts";
import { addSettingOptions, configSources } from "./setting-options.ts";

/** Pages of the admin listener by what they are asked for. */
const PAGES = { live: "/livez", ready: "/readyz", started: "/startupz" } as const;
/** Largest answer that is looked at, in bytes. */
const MAX_ANSWER_BYTES = 64 * 1024;
/** What a listener on all addresses of a machine is called as from the machine itself. */
const LOOPBACK: Readonly<Record<string, string>> = { "0.0.0.0": "127.0.0.1", "::": "::1" };

interface HealthOptions extends Record<string, unknown> {
  readonly check: keyof typeof PAGES;
  readonly role?: string;
  readonly timeout: number;
}

/** Adds `health`. */
export function addHealthCommand(program: Command, run: Runner): void {
  const command = program
    .command("health")
    .description(
      "Ask the service of this machine how it is, at its admin listener: exit code 0 when well, 1 when not.",
    )
    .addOption(
      new Option("--check <what>", "live, ready or started").choices(Object.keys(PAGES)).default("ready"),
    )
    .option("--role <role>", "ask about one role: send, events or intake")
    .addOption(timeFlag("--timeout <time>", "longest wait for the answer", 2_000))
    .option(...JSON_FLAG)
    .addHelpText(
      "after",
      examples(
        "infobip-rpc health",
        "infobip-rpc health --check live --admin-listen unix:/run/infobip-rpc/admin.sock",
      ),
    )
    .action(run(health));
  addSettingOptions(command, (path) => path === "admin.listen");
}

const health: CommandBody<HealthOptions> = async (session, options) => {
  const { output } = session;
  const address = await adminAddress(session, options);
  const { check, role } = options;
  const path = `${PAGES[check]}${role === undefined ? "" : `?role=${encodeURIComponent(role)}`}`;
  const { status, body } = await ask(session, address, path, options.timeout);
  const isWell = status === 200;
  if (output.json) await output.jsonLine({ check, ok: isWell, status, answer: parsed(body) });
  else await output.line(`${isWell ? output.style.good("ok") : output.style.bad("not ok")} ${body.trim()}`);
  return isWell ? EXIT.ok : EXIT.failure;
};

/** Where the admin listener is, by the same flags, variables and file as `serve` has. */
async function adminAddress({ context }: Session, options: HealthOptions): Promise<ListenAddress> {
  const { values, problems } = await readConfig(configSources(context, options));
  const problem = problems.find(({ setting }) => setting === "admin.listen");
  if (problem !== undefined) throw usageError(`admin.listen: ${problem.message} (${problem.origin})`);
  const address = values["admin.listen"];
  if (address === undefined) throw usageError("admin.listen is off, so nobody can be asked");
  return address;
}

interface Answer {
  readonly status: number;
  readonly body: string;
}

function ask(session: Session, address: ListenAddress, path: string, timeoutMs: number): Promise<Answer> {
  const where =
    address.kind === "unix"
      ? { socketPath: address.path }
      : { host: LOOPBACK[address.host] ?? address.host, port: address.port };
  const signal = AbortSignal.any([session.context.signal, AbortSignal.timeout(timeoutMs)]);
  return new Promise((resolve, reject) => {
    const fail = (): void => reject(unreachable(address));
    const call = request({ ...where, path, signal, agent: false }, (response) => {
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        if (body.length < MAX_ANSWER_BYTES) body += chunk;
      });
      response.on("end", () => resolve({ status: response.statusCode ?? 0, body }));
      response.on("error", fail);
    });
    call.on("error", fail);
    call.end();
  });
}

function unreachable(address: ListenAddress): CliError {
  return new CliError(
    "ADMIN_UNREACHABLE",
    `nobody answers on ${formatListenAddress(address)}; is the service running?`,
  );
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return body;
  }
}
