import { create } from "@bufbuild/protobuf";
import type { Event } from "../../../gen/infobip/events/v1/event_pb.js";
import { WatchEventsRequestSchema } from "../../../gen/infobip/events/v1/events_service_pb.js";
import { StartPosition } from "../../../gen/infobip/events/v1/positions_pb.js";
import { MessagesService } from "../../../gen/infobip/messages/v1/messages_service_pb.js";
import type { CliClock } from "../cli-context.ts";
import { resumingWatch } from "../resuming-watch.ts";
import type { RpcClient } from "../rpc-client.ts";
import type { DemoMessage } from "./demo-plan.ts";
import type { DemoTally } from "./demo-tally.ts";

/** Calls in progress at a time. */
const MAX_CALLS = 16;

/** Options of {@link runDemo}. */
export interface DemoRunOptions {
  readonly client: RpcClient;
  readonly clock: CliClock;
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
  readonly messages: readonly DemoMessage[];
  readonly tally: DemoTally;
  /** Whether nothing more is to come. Asked after each event and once everything is sent. */
  readonly isComplete: () => boolean;
  /** Told of every event after it was counted. */
  readonly onEvent: (event: Event) => Promise<void>;
  /** Sends the messages; throws when that failed. Default: plain calls, which count their results. */
  readonly send?: (signal: AbortSignal) => Promise<void>;
}

/** How much longer than the whole run a call may take by its own deadline, in milliseconds. */
const CALL_SLACK_MS = 60_000;

/** Sends the messages and watches until nothing is missing or the time is up. */
export async function runDemo(options: DemoRunOptions): Promise<void> {
  const end = new AbortController();
  const signal = AbortSignal.any([options.signal, end.signal]);
  const timeout = options.clock.sleep(options.timeoutMs, signal).then(() => end.abort());
  const tasks = [sendWith(options, signal, end), watchAll(options, signal)];
  try {
    await Promise.all(tasks.map((task) => task.finally(() => options.isComplete() && end.abort())));
  } finally {
    end.abort();
    await Promise.allSettled([timeout, ...tasks]);
  }
}

async function sendWith(options: DemoRunOptions, signal: AbortSignal, end: AbortController): Promise<void> {
  try {
    await (options.send ?? ((until) => sendAll(options, until)))(signal);
  } catch (error) {
    // The watch would wait in vain for what was not sent.
    const wasRunning = !signal.aborted;
    end.abort();
    if (wasRunning) throw error;
  }
}

async function sendAll(options: DemoRunOptions, signal: AbortSignal): Promise<void> {
  const queue = options.messages.values();
  const sender = async (): Promise<void> => {
    for (const message of queue) {
      if (signal.aborted) return;
      const method = MessagesService.method.sendMessages;
      const response = await options.client.unary(method, message.request, {
        signal,
        // The signal ends the call when the time is up; a deadline of the same length would race it.
        timeoutMs: options.timeoutMs + CALL_SLACK_MS,
      });
      for (const result of response.results) options.tally.addResult(result);
    }
  };
  await Promise.all(Array.from({ length: MAX_CALLS }, sender));
}

async function watchAll(options: DemoRunOptions, signal: AbortSignal): Promise<void> {
  const frames = resumingWatch({
    client: options.client,
    clock: options.clock,
    signal,
    from: { case: "start", value: StartPosition.EARLIEST },
    request: (from) => create(WatchEventsRequestSchema, { from }),
    giveUpAfterMs: options.timeoutMs + CALL_SLACK_MS,
    onReconnect: () => Promise.resolve(),
  });
  for await (const { frame } of frames) {
    if (frame.case !== "events") continue;
    for (const event of frame.value.events) {
      options.tally.addEvent(event);
      await options.onEvent(event);
    }
    if (options.isComplete()) return;
  }
}
