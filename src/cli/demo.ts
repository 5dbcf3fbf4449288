import type { Command } from "commander";
import { CliError, usageError } from "./cli-error.ts";
import { type CommandBody, examples, JSON_FLAG, type Runner } from "./command.ts";
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
    .option(...JSON_FLAG)
    .addHelpText("after", examples("infobip-rpc demo", "infobip-rpc demo --messages 1000 --json | tail -1"))
    .action(run(demo));
}

const demo: CommandBody<DemoOptions> = async ({ context, output }, options) => {
  if (options.messages > MAX_MESSAGES) throw usageError(`--messages is at most ${MAX_MESSAGES}`);
  const messages = demoMessages(options.messages);
  const tally = new DemoTally(messages);
  const screen = new DemoScreen(output, tally, messages.length);
  await using rig = await startDemoRig(context);
  await screen.start(rig);
  using client = new RpcClient(rig.addresses.grpc, context.clock.now);
  const startMs = context.clock.now();
  const work = runDemo({
    client,
    clock: context.clock,
    signal: context.signal,
    timeoutMs: options.timeout,
    messages,
    tally,
    onEvent: (event) => screen.event(event),
  });
  await Promise.race([work, rig.failed]);
  await screen.finish(rig, context.clock.now() - startMs);
  if (context.signal.aborted) throw new CliError("INTERRUPTED", "stopped before every message was final");
  failUnlessComplete(tally);
  return EXIT.ok;
};

function failUnlessComplete(tally: DemoTally): void {
  if (tally.repeated > 0) throw new CliError("EVENT_REPEATED", `${tally.repeated} events came twice`);
  const missing = tally.missing();
  if (missing.length === 0) return;
  throw new CliError("REPORT_MISSING", `${missing.length} messages are not final`, {
    exitCode: EXIT.timeout,
    violations: missing.map(({ messageId, what }) => ({ field: messageId, description: `no ${what}` })),
  });
}
