import type { Reconnect } from "./client-options.ts";
import type { ClientPorts } from "./ports.ts";
import { Backoff, isPassing } from "./retry.ts";

/** What one stream of several has come to. */
export interface StreamEnd {
  /** Whether it did its work, so that what went wrong before is over. */
  readonly wasUseful: boolean;
  /** The service said that it stops; another instance, or a new connection, takes over at once. */
  readonly isDraining: boolean;
}

/** Options of {@link resume}. */
export interface ResumeOptions {
  readonly ports: ClientPorts;
  /** Ends it, without an error. */
  readonly stop: AbortSignal;
  readonly onReconnect: ((reconnect: Reconnect) => void) | undefined;
}

/**
 * Opens a stream again and again until it is told to stop: with growing waits, for ever. Fails with what will not
 * pass by itself. `open` tells how far the stream came also when it fails, through `end`.
 */
export async function* resume<T>(
  options: ResumeOptions,
  open: (end: (told: Partial<StreamEnd>) => void) => AsyncIterable<T>,
): AsyncGenerator<T, void> {
  const { ports, stop, onReconnect } = options;
  const backoff = new Backoff(ports);
  while (!stop.aborted) {
    let wasUseful = false;
    let reason = "STREAM_ENDED";
    let leastMs = 0;
    try {
      yield* open((told) => {
        wasUseful ||= told.wasUseful ?? false;
        if (told.isDraining) reason = "DRAINING";
      });
    } catch (error) {
      if (stop.aborted) return;
      if (!isPassing(error)) throw error;
      reason = error.reason;
      leastMs = error.retryDelayMs ?? 0;
    }
    if (stop.aborted) return;
    if (wasUseful) backoff.reset();
    const delayMs = backoff.next(leastMs);
    onReconnect?.({ delayMs, reason });
    await backoff.wait(delayMs, stop);
  }
}
