import { setTimeout as sleep } from "node:timers/promises";
import { Code, ConnectError } from "@connectrpc/connect";

/** A stream on which nothing came for so long is dead: progress frames come three times as often. */
export const SILENCE_MS = Number(process.env.INFOBIP_RPC_SILENCE_SECONDS ?? 30) * 1000;
/** Connections in a row that brought nothing. */
const MAX_FAILURES = 30;

/** Reads one stream until it ends. Calls heard() for each frame; gives true once no further stream is needed. */
export type Stream = (signal: AbortSignal, heard: () => void) => Promise<boolean>;

/** Runs streams one after the other until one is done, or an error says that it is of no use. */
export async function reconnecting(stream: Stream): Promise<void> {
  for (let failures = 1; ; failures++) {
    const stop = new AbortController();
    const silence = setTimeout(() => stop.abort(), SILENCE_MS);
    let why = "the stream ended";
    try {
      const done = await stream(stop.signal, () => {
        failures = 1;
        silence.refresh();
      });
      if (done) return;
    } catch (reason) {
      const error = ConnectError.from(reason);
      const isRetryable = error.code === Code.Unavailable || error.code === Code.Aborted;
      if ((!isRetryable && !stop.signal.aborted) || failures > MAX_FAILURES) throw error;
      why = stop.signal.aborted ? "silence" : error.rawMessage;
    } finally {
      clearTimeout(silence);
      stop.abort();
    }
    const pauseMs = backoffMs(failures);
    process.stderr.write(`reconnecting in ${(pauseMs / 1000).toFixed(1)} s: ${why}\n`);
    await sleep(pauseMs);
  }
}

/** 0.2 s, doubled with each failure up to 5 s, less a random part. */
export function backoffMs(failures: number): number {
  return Math.min(5_000, 100 * 2 ** failures) * (0.5 + Math.random() / 2);
}

/** A queue that one side fills and the other iterates over. */
export class Queue<T> {
  readonly #items: T[] = [];
  #closed = false;
  #wake = () => {};

  push(item: T): void {
    this.#items.push(item);
    this.#wake();
  }

  close(): void {
    this.#closed = true;
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    for (;;) {
      const items = this.#items.splice(0);
      yield* items;
      if (this.#items.length > 0) continue;
      if (this.#closed) return;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}
