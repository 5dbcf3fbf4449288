import type { Command } from "commander";
import { CliError, usageError } from "./cli-error.ts";
import { type CommandBody, examples, JSON_FLAG, type Runner } from "./command.ts";
import { sendThroughKill, startFleetRig } from "./demo/demo-fleet.ts";
import { addSendResult, SubmissionStates, submitThroughOutage } from "./demo/demo-outage.ts";
import { demoMessages } from "./demo/demo-plan.ts";
import { startDemoRig } from "./demo/demo-rig.ts";
import { runDemo } from "./demo/demo-run.ts";
import { DemoScreen } from "./demo/demo-screen.ts";
import { DemoTally } from "./demo/demo-tally.ts";
import { EXIT } from "./exit-codes.ts";
import { countOption, timeFlag } from "./option-values.ts";
import { RpcClient } from "./rpc-client.ts";

/** Most messages of one demo. */
const MAX_MESSAGES = 10_000;

interface DemoOptions {
  readonly messages: number;
  readonly timeout: number;
  readonly outage?: boolean;
  readonly nats?: boolean;
}

/** Adds `demo`. */
export function addDemoCommand(program: Command, run: Runner): void {
  program
    .command("demo")
    .description(
      "Show the main job on this machine: start a simulator of Infobip and the service, send messages on several channels over gRPC, and show every report that comes back.",
    )
    .option("--messages <count>", `how many messages to send, at most ${MAX_MESSAGES}`, countOption, 40)
    .addOption(timeFlag("--timeout <time>", "longest wait until every message is final", 30_000))
    .option(
      "--outage",
      "begin while nothing listens at Infobip's address: messages are submitted to the outbox, wait there, and go out once it is back",
    )
    .option(
      "--nats",
      "start nats-server and two replicas of the service over it, and kill one of them half-way; needs nats-server installed",
    )
    .option(...JSON_FLAG)
    .addHelpText(
      "after",
      examples(
        "infobip-rpc demo",
        "infobip-rpc demo --outage",
        "infobip-rpc demo --nats",
        "infobip-rpc demo --messages 1000 --json | tail -1",
      ),
    )
    .action(run(demo));
}

const demo: CommandBody<DemoOptions> = async (command, options, args) => {
  if (options.messages > MAX_MESSAGES) throw usageError(`--messages is at most ${MAX_MESSAGES}`);
  if (options.nats && options.outage) throw usageError("--nats and --outage are two demos; choose one");
  return options.nats ? fleetDemo(command, options, args) : plainDemo(command, options, args);
};

const plainDemo: CommandBody<DemoOptions> = async ({ context, output }, options) => {
  const messages = demoMessages(options.messages);
  const tally = new DemoTally(messages);
  const outage = options.outage === true;
  const states = new SubmissionStates(messages.length);
  const screen = new DemoScreen(output, tally, messages.length, outage ? states : undefined);
  await using rig = await startDemoRig(context, { outage });
  await screen.start(rig);
  using client = new RpcClient(rig.addresses.grpc, context.clock.now);
  const startMs = context.clock.now();
  const common = { client, clock: context.clock, signal: context.signal, messages, tally };
  const work = runDemo({
    ...common,
    timeoutMs: options.timeout,
    isComplete: () => tally.isComplete && (!outage || states.isSettled),
    onEvent: async (event) => {
      states.add(event);
      if (outage) addSendResult(event, tally);
      await screen.event(event);
    },
    ...(outage
      ? {
          send: (signal: AbortSignal) =>
            submitThroughOutage({
              client,
              messages,
              signal,
              states,
              clock: context.clock,
              restore: rig.startSimulator,
              onNews: (news) => screen.outage(news),
            }),
        }
      : {}),
  });
  await Promise.race([work, rig.failed]);
  await screen.finish(rig, context.clock.now() - startMs);
  failUnlessComplete(tally, context.signal);
  return EXIT.ok;
};

const fleetDemo: CommandBody<DemoOptions> = async ({ context, output }, options) => {
  const messages = demoMessages(options.messages);
  const tally = new DemoTally(messages);
  const screen = new DemoScreen(output, tally, messages.length);
  await using rig = await startFleetRig(context);
  await screen.start(rig, rig.natsUrl);
  using client = new RpcClient(rig.addresses.grpc, context.clock.now);
  const startMs = context.clock.now();
  const { clock, signal } = context;
  let repeatedCalls = 0;
  await runDemo({
    client,
    clock,
    signal,
    messages,
    tally,
    timeoutMs: options.timeout,
    isComplete: () => tally.isComplete,
    onEvent: (event) => screen.event(event),
    send: async (until) => {
      const { killOne } = rig;
      const onKilled = (replica: number) => screen.killed(replica);
      repeatedCalls = await sendThroughKill({
        client,
        messages,
        signal: until,
        tally,
        clock,
        killOne,
        onKilled,
      });
    },
  });
  await screen.finish(rig, clock.now() - startMs, repeatedCalls);
  failUnlessComplete(tally, signal);
  return EXIT.ok;
};

function failUnlessComplete(tally: DemoTally, signal: AbortSignal): void {
  if (signal.aborted) throw new CliError("INTERRUPTED", "stopped before every message was final");
  if (tally.repeated > 0) throw new CliError("EVENT_REPEATED", `${tally.repeated} events came twice`);
  const missing = tally.missing();
  if (missing.length === 0) return;
  throw new CliError("REPORT_MISSING", `${missing.length} messages are not final`, {
    exitCode: EXIT.timeout,
    violations: missing.map(({ messageId, what }) => ({ field: messageId, description: `no ${what}` })),
  });
}
