import type { Worker } from "node:worker_threads";
import type { AppendResult, NewEvent } from "../event-log.ts";
import { packBatch, packedLength } from "./batch-buffer.ts";
import { LogWriteError, logOverloaded, logUnavailable } from "./log-errors.ts";
import { EventLogOpenError, inaccessible } from "./open-failure.ts";
import { isFatal, type SqliteFailure } from "./sqlite-error.ts";
import type { WriterState } from "./writer.ts";
import type { FromWriter, ToWriter } from "./writer-messages.ts";

/** Bounds of what waits for the writer. */
export interface QueueLimits {
  /** Most events. */
  readonly events: number;
  /** Most bytes, packed. */
  readonly bytes: number;
}

interface OpenBatch {
  readonly events: number;
  readonly bytes: number;
  readonly resolve: (result: AppendResult) => void;
  readonly reject: (error: Error) => void;
}

interface OpenRemoval {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** The writer thread as the main thread sees it. */
export class WriterClient {
  readonly #worker: Worker;
  readonly #limits: QueueLimits;
  readonly #onHead: (head: number) => void;
  readonly #batches: OpenBatch[] = [];
  readonly #removals: OpenRemoval[] = [];
  readonly #ended = Promise.withResolvers<void>();
  readonly #failed = Promise.withResolvers<Error>();
  #queuedEvents = 0;
  #queuedBytes = 0;
  #stopped: Error | undefined;
  #lastFailure: Error | undefined;
  #closing = false;

  constructor(worker: Worker, limits: QueueLimits, onHead: (head: number) => void) {
    this.#worker = worker;
    this.#limits = limits;
    this.#onHead = onHead;
    worker.on("message", (message: FromWriter) => this.#receive(message));
    worker.on("messageerror", (error) => this.#stop(error));
    worker.on("error", (error) => this.#stop(error instanceof Error ? error : new Error(String(error))));
    worker.on("exit", (code) => {
      this.#stop(new Error(`the writer thread of the event log has ended with code ${code}`));
      this.#ended.resolve();
    });
  }

  /** Resolves with the reason when the writer has died or its file is damaged; stays open otherwise, also after an orderly close. */
  get failed(): Promise<Error> {
    return this.#failed.promise;
  }

  /** Why nothing can be stored, as the last commit has shown; undefined after one that went well. */
  get trouble(): Error | undefined {
    return this.#stopped ?? this.#lastFailure;
  }

  append(events: readonly NewEvent[], timeMs: number): Promise<AppendResult> {
    if (this.#stopped !== undefined || this.#closing) return Promise.reject(logUnavailable(this.#stopped));
    const bytes = packedLength(events);
    if (!this.#hasRoom(events.length, bytes)) return Promise.reject(logOverloaded());
    const batch = packBatch(events, bytes);
    return new Promise((resolve, reject) => {
      this.#batches.push({ events: events.length, bytes, resolve, reject });
      this.#queuedEvents += events.length;
      this.#queuedBytes += bytes;
      this.#tell({ kind: "append", batch, timeMs }, [batch]);
    });
  }

  /** Removes everything up to a position between earliest and head. */
  remove(through: number): Promise<void> {
    if (this.#stopped !== undefined || this.#closing) return Promise.reject(logUnavailable(this.#stopped));
    return new Promise((resolve, reject) => {
      this.#removals.push({ resolve, reject });
      this.#tell({ kind: "remove", through });
    });
  }

  /** Lets the writer finish what it was given, then ends it. */
  async close(): Promise<void> {
    // Also when it has stopped: a writer that gave up on its file still has to let go of it.
    if (!this.#closing) this.#tell({ kind: "close" });
    this.#closing = true;
    await this.#ended.promise;
  }

  #hasRoom(events: number, bytes: number): boolean {
    return (
      this.#queuedEvents + events <= this.#limits.events && this.#queuedBytes + bytes <= this.#limits.bytes
    );
  }

  #tell(message: ToWriter, transfer: readonly ArrayBuffer[] = []): void {
    this.#worker.postMessage(message, transfer);
  }

  #receive(message: FromWriter): void {
    switch (message.kind) {
      case "committed":
        // The head moves first: whoever sees an append confirmed can read it.
        this.#lastFailure = undefined;
        this.#onHead(message.head);
        for (const result of message.results) this.#takeBatch()?.resolve(result);
        return;
      case "commitFailed":
        this.#commitFailed(message.batches, message.failure);
        return;
      case "removed":
        this.#removals.shift()?.resolve();
        return;
      case "removeFailed":
        this.#removals.shift()?.reject(logUnavailable(new LogWriteError(message.failure)));
        if (isFatal(message.failure)) this.#stop(new LogWriteError(message.failure));
        return;
      default:
        return;
    }
  }

  #commitFailed(batches: number, failure: SqliteFailure): void {
    const error = new LogWriteError(failure);
    this.#lastFailure = error;
    for (let n = 0; n < batches; n++) this.#takeBatch()?.reject(logUnavailable(error));
    if (isFatal(failure)) this.#stop(error);
  }

  #takeBatch(): OpenBatch | undefined {
    const batch = this.#batches.shift();
    if (batch === undefined) return undefined;
    this.#queuedEvents -= batch.events;
    this.#queuedBytes -= batch.bytes;
    return batch;
  }

  #stop(reason: Error): void {
    if (this.#stopped !== undefined) return;
    this.#stopped = reason;
    if (!this.#closing || this.#batches.length > 0) this.#failed.resolve(reason);
    for (let batch = this.#takeBatch(); batch !== undefined; batch = this.#takeBatch())
      batch.reject(logUnavailable(reason));
    for (const removal of this.#removals.splice(0)) removal.reject(logUnavailable(reason));
  }
}

/** Resolves with the state of the log once the writer thread has opened it; rejects with EventLogOpenError. */
export function writerReady(worker: Worker, file: string): Promise<WriterState> {
  return new Promise((resolve, reject) => {
    const settle = (finish: () => void): void => {
      worker.off("message", onMessage).off("error", onEnd).off("exit", onEnd);
      finish();
    };
    const onEnd = (cause: unknown): void => settle(() => reject(inaccessible(file, cause)));
    const onMessage = (message: FromWriter): void => {
      if (message.kind === "ready") settle(() => resolve(message.state));
      if (message.kind === "refused")
        settle(() => reject(new EventLogOpenError(message.reason, message.file, message.message)));
    };
    worker.on("message", onMessage).on("error", onEnd).on("exit", onEnd);
  });
}
