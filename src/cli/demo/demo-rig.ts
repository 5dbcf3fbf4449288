import type { Config } from "../../config/config.ts";
import { loadConfig } from "../../config/load-config.ts";
import { createLogger } from "../../log.ts";
import type { CliContext } from "../cli-context.ts";

/** Secret of the webhook URLs: between two listeners on loopback, gone after the demo. */
export const DEMO_WEBHOOK_SECRET = "demo-webhook-secret";
/** How long things take in the demo's simulator, in milliseconds. */
export const REPORT_DELAY_MS = 200;
export const STEP_DELAY_MS = 200;
export const LATE_DELAY_MS = 1500;

/** A simulator and a service that sends to it, both in this process on free loopback ports. */
export interface DemoRig extends AsyncDisposable {
  readonly simulatorUrl: string;
  /** Addresses of the service's listeners. */
  readonly addresses: Readonly<Record<"grpc" | "http" | "webhook" | "admin", string>>;
  /** Rejects when the service fails. */
  readonly failed: Promise<unknown>;
  /** Starts the simulator, where the rig was started without. */
  readonly startSimulator: () => Promise<void>;
}

/** Starts both, or with `outage` the service alone. The folder with the event log is removed when the rig is disposed of. */
export async function startDemoRig(context: CliContext, { outage }: { outage: boolean }): Promise<DemoRig> {
  const { createSimulator } = await import("../../simulator/simulator.ts");
  const { createService } = await import("../../service.ts");
  await using stack = new AsyncDisposableStack();
  const dataDir = await context.files.makeTemporaryFolder();
  stack.defer(() => context.files.removeFolder(dataDir));
  // The URL of the webhooks must be known before either side starts.
  const publicUrl = `http://127.0.0.1:${await context.freePort()}`;
  const port = await context.freePort();
  const simulator = stack.use(
    createSimulator({
      port,
      inboundUrl: `${publicUrl}/v1/inbound/${DEMO_WEBHOOK_SECRET}`,
      reportDelayMs: REPORT_DELAY_MS,
      stepDelayMs: STEP_DELAY_MS,
      lateDelayMs: LATE_DELAY_MS,
    }),
  );
  const simulatorUrl = `http://127.0.0.1:${port}`;
  if (!outage) await simulator.start();
  const config = await demoConfig(context, simulatorUrl, publicUrl, dataDir);
  const log = createLogger({
    level: config.log.level,
    format: "pretty",
    write: (line) => void context.stderr.write(line, () => undefined),
    now: context.clock.now,
  });
  const service = stack.use(createService(config, { log }));
  const addresses = await service.start();
  stack.defer(async () => {
    await service.drain();
  });
  const owned = stack.move();
  return {
    simulatorUrl,
    addresses,
    failed: service.waitUntilFailed,
    startSimulator: async () => void (await simulator.start()),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function demoConfig(
  context: CliContext,
  baseUrl: string,
  publicUrl: string,
  dataDir: string,
): Promise<Config> {
  return loadConfig({
    flags: new Map([
      ["--upstream-base-url", baseUrl],
      ["--upstream-api-key", "simulator"],
      ["--grpc-listen", "127.0.0.1:0"],
      ["--http-listen", "127.0.0.1:0"],
      ["--admin-listen", "127.0.0.1:0"],
      ["--webhook-listen", new URL(publicUrl).host],
      ["--webhook-public-url", publicUrl],
      ["--webhook-secret", DEMO_WEBHOOK_SECRET],
      ["--data-dir", dataDir],
      ["--log-level", "error"],
      ["--drain-timeout", "1s"],
    ]),
    environment: {},
    readTextFile: context.files.read,
  });
}
