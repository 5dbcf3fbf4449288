import { MessagesService } from "../../../gen/infobip/messages/v1/messages_service_pb.js";
import type { CliContext } from "../cli-context.ts";
import { CliError } from "../cli-error.ts";
import type { RpcClient } from "../rpc-client.ts";
import type { DemoMessage } from "./demo-plan.ts";
import {
  DEMO_WEBHOOK_SECRET,
  type DemoRig,
  LATE_DELAY_MS,
  REPORT_DELAY_MS,
  STEP_DELAY_MS,
} from "./demo-rig.ts";
import type { DemoTally } from "./demo-tally.ts";
import { startLocalNatsServer } from "./local-nats-server.ts";
import { type ReplicaProcess, startReplica } from "./replica-process.ts";
import { WebhookBalancer } from "./webhook-balancer.ts";

/** A webhook that fails is sent again after a second, not after Infobip's minute: the demo is to end soon. */
const RETRY_SCALE = 1 / 60;
/** Replicas of the service. */
const REPLICAS = 2;
/** Calls in progress at a time. */
const MAX_CALLS = 8;
/** Times that a call is made again when its replica goes away. */
const MAX_REPEATS = 20;
/** Wait before such a call, in milliseconds. */
const REPEAT_DELAY_MS = 200;

/** A rig of several replicas. */
export interface FleetRig extends DemoRig {
  readonly natsUrl: string;
  /** Kills the replica that calls go to, with SIGKILL; resolves with its number, from 1. */
  readonly killOne: () => Promise<number>;
}

/** Starts nats-server, a simulator, and replicas of the service that share one log. Everything ends with the rig. */
export async function startFleetRig(context: CliContext): Promise<FleetRig> {
  const { createSimulator } = await import("../../simulator/simulator.ts");
  await using stack = new AsyncDisposableStack();
  const folder = await context.files.makeTemporaryFolder();
  stack.defer(() => context.files.removeFolder(folder));
  const nats = stack.use(await natsServer(`${folder}/nats`, await context.freePort()));
  const publicUrl = `http://127.0.0.1:${await context.freePort()}`;
  const simulator = stack.use(
    createSimulator({
      port: await context.freePort(),
      inboundUrl: `${publicUrl}/v1/inbound/${DEMO_WEBHOOK_SECRET}`,
      reportDelayMs: REPORT_DELAY_MS,
      stepDelayMs: STEP_DELAY_MS,
      lateDelayMs: LATE_DELAY_MS,
      timeScale: RETRY_SCALE,
    }),
  );
  const simulatorUrl = await simulator.start();
  const intakes = await Promise.all(
    Array.from({ length: REPLICAS }, async () => `127.0.0.1:${await context.freePort()}`),
  );
  const replicas: ReplicaProcess[] = [];
  for (const [index, intake] of intakes.entries()) {
    const place = {
      natsUrl: nats.url,
      simulatorUrl,
      publicUrl,
      intake,
      dataDir: `${folder}/replica-${index + 1}`,
    };
    replicas.push(stack.use(await startReplica(replicaFlags(place))));
  }
  stack.use(await WebhookBalancer.start(Number(new URL(publicUrl).port), intakes));
  const owned = stack.move();
  return {
    natsUrl: nats.url,
    simulatorUrl,
    addresses: {
      grpc: `ipv4:${replicas.map(({ grpc }) => grpc).join(",")}`,
      http: "",
      webhook: publicUrl,
      admin: "",
    },
    failed: new Promise(() => {}),
    startSimulator: () => Promise.resolve(),
    killOne: async () => {
      await replicas[0]?.kill();
      return 1;
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

async function natsServer(folder: string, port: number) {
  const server = await startLocalNatsServer(folder, port);
  if (server !== undefined) return server;
  throw new CliError(
    "NATS_SERVER_MISSING",
    "nats-server is not installed: install it (Debian: apt-get install nats-server; others: https://nats.io/download) or run the demo without --nats",
  );
}

interface ReplicaPlace {
  readonly natsUrl: string;
  readonly simulatorUrl: string;
  readonly publicUrl: string;
  readonly intake: string;
  readonly dataDir: string;
}

function replicaFlags({ natsUrl, simulatorUrl, publicUrl, intake, dataDir }: ReplicaPlace): string[] {
  return [
    ["--eventlog-url", natsUrl],
    ["--nats-replicas", "1"],
    ["--upstream-base-url", simulatorUrl],
    ["--upstream-api-key", "simulator"],
    ["--grpc-listen", "127.0.0.1:0"],
    ["--http-listen", ""],
    ["--admin-listen", ""],
    ["--webhook-listen", intake],
    ["--webhook-public-url", publicUrl],
    ["--webhook-secret", DEMO_WEBHOOK_SECRET],
    ["--data-dir", dataDir],
    ["--log-level", "error"],
    ["--drain-timeout", "1s"],
  ].map(([name, value]) => `${name}=${value}`);
}

/** What {@link sendThroughKill} works with. */
export interface FleetSendOptions {
  readonly client: RpcClient;
  readonly messages: readonly DemoMessage[];
  readonly signal: AbortSignal;
  readonly tally: DemoTally;
  readonly clock: CliContext["clock"];
  readonly killOne: () => Promise<number>;
  readonly onKilled: (replica: number) => Promise<void>;
}

/**
 * Sends all messages, and kills a replica once half of the calls have begun. A
 * call that fails by it is made again with the same request id, so the
 * message goes out once whatever became of the first call. Resolves with the
 * number of calls that were made again.
 */
export async function sendThroughKill(options: FleetSendOptions): Promise<number> {
  const { messages, signal } = options;
  const repeats = { count: 0 };
  let begun = 0;
  let killed: Promise<void> | undefined;
  const queue = messages.values();
  const sender = async (): Promise<void> => {
    for (const message of queue) {
      if (signal.aborted) return;
      begun++;
      const sent = sendUntilAnswered(options, message, repeats);
      if (begun >= messages.length / 2) killed ??= kill(options);
      await sent;
    }
  };
  await Promise.all(Array.from({ length: MAX_CALLS }, sender));
  await killed;
  return repeats.count;
}

async function kill({ killOne, onKilled }: FleetSendOptions): Promise<void> {
  await onKilled(await killOne());
}

async function sendUntilAnswered(
  { client, signal, tally, clock }: FleetSendOptions,
  { messageId, request }: DemoMessage,
  repeats: { count: number },
): Promise<void> {
  for (let repeat = 0; ; repeat++) {
    try {
      const method = MessagesService.method.sendMessages;
      const response = await client.unary(
        method,
        { ...request, requestId: messageId },
        { signal, timeoutMs: 10_000 },
      );
      for (const result of response.results) tally.addResult(result);
      return;
    } catch (error) {
      if (!(error instanceof CliError) || signal.aborted || repeat === MAX_REPEATS) throw error;
      repeats.count++;
      await clock.sleep(REPEAT_DELAY_MS, signal);
    }
  }
}
