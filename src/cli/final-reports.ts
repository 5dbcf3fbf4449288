import { create } from "@bufbuild/protobuf";
import { EventFilterSchema } from "../../gen/infobip/events/v1/event_filter_pb.js";
import { type Event, EventType } from "../../gen/infobip/events/v1/event_pb.js";
import {
  EventsService,
  type WatchEventsRequest,
  WatchEventsRequestSchema,
} from "../../gen/infobip/events/v1/events_service_pb.js";
import { StartPosition } from "../../gen/infobip/events/v1/positions_pb.js";
import type { CliClock } from "./cli-context.ts";
import { CliError } from "./cli-error.ts";
import { EXIT } from "./exit-codes.ts";
import { resumingWatch } from "./resuming-watch.ts";
import type { RpcClient } from "./rpc-client.ts";
import type { WatchFrom } from "./watch-request.ts";

/** Most message ids a filter takes; for more the service passes every report on and they are picked here. */
const MAX_FILTER_IDS = 1000;

/** The cursor of the log's last event: what comes after it is new. */
export async function headCursor(client: RpcClient, signal: AbortSignal): Promise<string> {
  const request = create(WatchEventsRequestSchema, { from: { case: "start", value: StartPosition.LATEST } });
  for await (const { frame } of client.stream(EventsService.method.watchEvents, request, { signal })) {
    if (frame.case === "started") return frame.value.cursor;
  }
  throw new CliError("STREAM_ENDED", "the service ended the stream before it began", {
    exitCode: EXIT.unavailable,
  });
}

/** Options of {@link finalReports}. */
export interface FinalReportsOptions {
  readonly client: RpcClient;
  readonly clock: CliClock;
  readonly signal: AbortSignal;
  /** Position before the messages were sent. */
  readonly after: string;
  readonly messageIds: readonly string[];
  readonly timeoutMs: number;
  /** Told of every delivery report, final or not. */
  readonly onReport: (event: Event) => Promise<void>;
}

/** Waits for the final report of every message. Gives the ids of those that had none when the time was up. */
export async function finalReports(options: FinalReportsOptions): Promise<readonly string[]> {
  const missing = new Set(options.messageIds);
  const ids = [...missing];
  const timer = new AbortController();
  const signal = AbortSignal.any([options.signal, timer.signal]);
  const timeout = options.clock.sleep(options.timeoutMs, signal).then(() => timer.abort());
  try {
    for await (const { frame } of resumingWatch({
      client: options.client,
      clock: options.clock,
      signal,
      from: { case: "cursor", value: options.after },
      request: (from) => reportRequest(from, ids),
      giveUpAfterMs: options.timeoutMs,
      onReconnect: () => Promise.resolve(),
    })) {
      if (frame.case !== "events") continue;
      await handleReports(frame.value.events, missing, options.onReport);
      if (missing.size === 0) break;
    }
  } finally {
    timer.abort();
    await timeout;
  }
  return [...missing];
}

async function handleReports(
  events: readonly Event[],
  missing: Set<string>,
  onReport: (event: Event) => Promise<void>,
): Promise<void> {
  for (const event of events) {
    if (event.messageId === undefined || !missing.has(event.messageId)) continue;
    await onReport(event);
    if (event.final) missing.delete(event.messageId);
  }
}

function reportRequest(from: WatchFrom, ids: readonly string[]): WatchEventsRequest {
  const filter = create(EventFilterSchema, {
    types: [EventType.DELIVERY_REPORT],
    messageIds: ids.length <= MAX_FILTER_IDS ? [...ids] : [],
  });
  return create(WatchEventsRequestSchema, { from, filter });
}
