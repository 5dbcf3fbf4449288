import {
  EventsService,
  type WatchEventsRequest,
  type WatchEventsResponse,
} from "../../gen/infobip/events/v1/events_service_pb.js";
import type { CliClock } from "./cli-context.ts";
import { CliError } from "./cli-error.ts";
import { EXIT } from "./exit-codes.ts";
import type { RpcClient } from "./rpc-client.ts";
import type { WatchFrom } from "./watch-request.ts";

/** First wait before the stream is opened again, in milliseconds; it doubles up to {@link MAX_DELAY_MS}. */
const FIRST_DELAY_MS = 100;
/** Longest wait before the stream is opened again, in milliseconds. */
const MAX_DELAY_MS = 5000;

/** Options of {@link resumingWatch}. */
export interface ResumingWatchOptions {
  readonly client: RpcClient;
  readonly clock: CliClock;
  readonly signal: AbortSignal;
  /** Where to begin. */
  readonly from: WatchFrom;
  /** Makes the request for a position. */
  readonly request: (from: WatchFrom) => WatchEventsRequest;
  /** Longest time without a connection before giving up, in milliseconds. The first connection must come at once. */
  readonly giveUpAfterMs: number;
  /** Told before each wait. */
  readonly onReconnect: (delayMs: number, reason: string) => Promise<void>;
}

/**
 * The frames of WatchEvents, over as many streams as it takes: when the
 * service goes away the stream is opened again after the last frame that was
 * handed out, so nothing is missed or repeated. Ends when the signal aborts.
 */
export async function* resumingWatch(
  options: ResumingWatchOptions,
): AsyncGenerator<WatchEventsResponse, void> {
  const { client, clock, signal } = options;
  let from = options.from;
  let failures = 0;
  let lostAtMs: number | undefined;
  let wasConnected = false;
  while (!signal.aborted) {
    let ending = new CliError("STREAM_ENDED", "the service ended the stream", { exitCode: EXIT.unavailable });
    try {
      for await (const frame of client.stream(EventsService.method.watchEvents, options.request(from), {
        signal,
      })) {
        wasConnected = true;
        failures = 0;
        lostAtMs = undefined;
        yield frame;
        from = positionAfter(frame) ?? from;
      }
    } catch (error) {
      if (!(error instanceof CliError) || error.exitCode !== EXIT.unavailable || !wasConnected) throw error;
      ending = error;
    }
    if (signal.aborted) return;
    lostAtMs ??= clock.now();
    if (clock.now() - lostAtMs >= options.giveUpAfterMs) throw ending;
    const delayMs = Math.round(
      Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** failures) * (0.5 + clock.random() / 2),
    );
    failures = Math.min(failures + 1, 16);
    await options.onReconnect(delayMs, ending.reason);
    await clock.sleep(delayMs, signal);
  }
}

function positionAfter(frame: WatchEventsResponse): WatchFrom | undefined {
  const cursor = cursorAfter(frame);
  return cursor === undefined || cursor === "" ? undefined : { case: "cursor", value: cursor };
}

/** Cursor to resume with once this frame has been handled; undefined when the frame says nothing of it. */
export function cursorAfter({ frame }: WatchEventsResponse): string | undefined {
  switch (frame.case) {
    case "started":
    case "progress":
      return frame.value.cursor;
    case "events":
      return frame.value.events.at(-1)?.cursor;
    case "gap":
      return frame.value.toCursor;
    default:
      return undefined;
  }
}
