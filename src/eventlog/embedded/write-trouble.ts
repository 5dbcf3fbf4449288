import type { Timer } from "../../timer.ts";

/** Time between two tries of the log itself while commits fail, in milliseconds. */
export const TRY_INTERVAL_MS = 5_000;
/** Least bytes that a try stores. */
const MIN_TRY_BYTES = 64 * 1024;
/** Most bytes that a try stores. */
const MAX_TRY_BYTES = 8 * 1024 * 1024;

/** What {@link WriteTrouble} works with. */
export interface WriteTroubleParts {
  readonly timer: Timer;
  /** Asks the writer to store so many bytes for a try; its end is told by worked() or failed(). */
  readonly attempt: (bytes: number) => void;
  /** Commits have begun to fail. */
  readonly onTrouble: (error: Error) => void;
  /** Commits work again. */
  readonly onRecovered: () => void;
  /** A commit has failed: each of them. */
  readonly onFailure: (error: Error) => void;
}

/**
 * Whether commits fail. While they do the service is not ready, so appends may
 * stay away that would show the end of it: hence the log tries by itself. A try
 * stores as much as the commit that failed, since a smaller one can find room
 * where that did not.
 */
export class WriteTrouble {
  readonly #parts: WriteTroubleParts;
  #error: Error | undefined;
  #bytes = 0;
  #callOff: (() => void) | undefined;
  #isTrying = false;
  #isStopped = false;

  constructor(parts: WriteTroubleParts) {
    this.#parts = parts;
  }

  /** Why the last commit failed; undefined after one that went well. */
  get error(): Error | undefined {
    return this.#error;
  }

  /** A commit of so many bytes has failed. */
  failed(error: Error, bytes: number): void {
    const isFirst = this.#error === undefined;
    this.#error = error;
    this.#bytes = Math.min(Math.max(bytes, MIN_TRY_BYTES), MAX_TRY_BYTES);
    this.#schedule();
    if (isFirst) this.#parts.onTrouble(error);
    this.#parts.onFailure(error);
  }

  /** A commit went well. */
  worked(): void {
    if (this.#error === undefined) return;
    this.#error = undefined;
    this.#cancel();
    this.#parts.onRecovered();
  }

  /** The end of a try. */
  tried(error: Error | undefined): void {
    this.#isTrying = false;
    if (error === undefined) this.worked();
    else this.failed(error, this.#bytes);
  }

  /** Tries at once, when there is trouble: something may have changed. */
  tryNow(): void {
    this.#cancel();
    if (this.#error === undefined || this.#isTrying || this.#isStopped) return;
    this.#isTrying = true;
    this.#parts.attempt(this.#bytes);
  }

  /** Tries no more. */
  stop(): void {
    this.#isStopped = true;
    this.#cancel();
  }

  #schedule(): void {
    if (this.#callOff !== undefined || this.#isTrying || this.#isStopped) return;
    this.#callOff = this.#parts.timer.schedule(TRY_INTERVAL_MS, () => {
      this.#callOff = undefined;
      this.tryNow();
    });
  }

  #cancel(): void {
    this.#callOff?.();
    this.#callOff = undefined;
  }
}
