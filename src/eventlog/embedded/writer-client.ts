import type { Worker } from "node:worker_threads";
import type { AppendResult, NewEvent } from "../event-log.ts";
import { packBatch, packedLength } from "./batch-buffer.ts";
import { LogWriteError, logOverloaded, logUnavailable } from "./log-errors.ts";
import { EventLogOpenError, inaccessible } from "./open-failure.ts";
import { isFatal, type SqliteFailure } from "./sqlite-error.ts";
import type { SubscriptionChange, SubscriptionCommit } from "./subscription-store.ts";
import { WriteTrouble, type WriteTroubleParts } from "./write-trouble.ts";
import type { WriterState } from "./writer.ts";
import type { CommitResult, FromWriter, ToWriter } from "./writer-messages.ts";

/** Bounds of what waits for the writer. */
export interface QueueLimits {
  /** Most events. */
  readonly events: number;
  /** Most bytes of packed events and of changes to subscriptions. */
  readonly bytes: number;
}

/** What a {@link WriterClient} works with. */
export interface WriterClientParts extends Omit<WriteTroubleParts, "attempt"> {
  readonly worker: Worker;
  readonly limits: QueueLimits;
  /** Called with the head after each commit, before what it has stored is confirmed. */
  readonly onHead: (head: number) => void;
}

/** Bytes that a change of a subscription counts for beside its state. */
const CHANGE_BYTES = 64;

interface OpenPiece {
  readonly events: number;
  readonly bytes: number;
  readonly resolve: (result: CommitResult) => void;
  readonly reject: (error: Error) => void;
}

interface OpenRemoval {
  readonly resolve: (through: number) => void;
  readonly reject: (error: Error) => void;
}

/** The writer thread as the main thread sees it. */
export class WriterClient {
  readonly #worker: Worker;
  readonly #limits: QueueLimits;
  readonly #onHead: (head: number) => void;
  readonly #pieces: OpenPiece[] = [];
  readonly #removals: OpenRemoval[] = [];
  readonly #ended = Promise.withResolvers<void>();
  readonly #failed = Promise.withResolvers<Error>();
  readonly #trouble: WriteTrouble;
  #queuedEvents = 0;
  #queuedBytes = 0;
  #takenBytes = 0;
  #stopped: Error | undefined;
  #closing = false;

  constructor(parts: WriterClientParts) {
    const { worker } = parts;
    this.#worker = worker;
    this.#limits = parts.limits;
    this.#onHead = parts.onHead;
    this.#trouble = new WriteTrouble({ ...parts, attempt: (bytes) => this.#tell({ kind: "try", bytes }) });
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
    return this.#stopped ?? this.#trouble.error;
  }

  /** Bytes of packed events that the queue has taken in all. */
  get takenBytes(): number {
    return this.#takenBytes;
  }

  append(events: readonly NewEvent[], timeMs: number): Promise<AppendResult> {
    const bytes = packedLength(events);
    const refusal = this.#refusal(events.length, bytes);
    if (refusal !== undefined) return Promise.reject(refusal);
    const batch = packBatch(events, bytes);
    this.#takenBytes += bytes;
    const result = this.#open<AppendResult>(events.length, bytes);
    this.#tell({ kind: "append", batch, timeMs }, [batch]);
    return result;
  }

  /** Stores changes of subscriptions, in one commit with the appends that wait. */
  change(changes: readonly SubscriptionChange[]): Promise<SubscriptionCommit> {
    const bytes = changes.reduce((sum, change) => sum + bytesOf(change), 0);
    const refusal = this.#refusal(0, bytes);
    if (refusal !== undefined) return Promise.reject(refusal);
    const result = this.#open<SubscriptionCommit>(0, bytes);
    this.#tell({ kind: "change", changes: changes.map(ownState), bytes });
    return result;
  }

  /** Removes the oldest events up to a position not past the head, or as many as one step takes; resolves with how far it came. */
  remove(through: number): Promise<number> {
    if (this.#stopped !== undefined || this.#closing) return Promise.reject(logUnavailable(this.#stopped));
    return new Promise((resolve, reject) => {
      this.#removals.push({ resolve, reject });
      this.#tell({ kind: "remove", through });
    });
  }

  /** While commits fail: tries at once whether they work again. */
  tryNow(): void {
    this.#trouble.tryNow();
  }

  /** Lets the writer finish what it was given, then ends it. */
  async close(): Promise<void> {
    this.#trouble.stop();
    // Also when it has stopped: a writer that gave up on its file still has to let go of it.
    if (!this.#closing) this.#tell({ kind: "close" });
    this.#closing = true;
    await this.#ended.promise;
  }

  #refusal(events: number, bytes: number): Error | undefined {
    if (this.#stopped !== undefined || this.#closing) return logUnavailable(this.#stopped);
    const hasRoom =
      this.#queuedEvents + events <= this.#limits.events && this.#queuedBytes + bytes <= this.#limits.bytes;
    return hasRoom ? undefined : logOverloaded();
  }

  /** The result must be of the kind that the writer answers this piece of work with. */
  #open<R extends CommitResult>(events: number, bytes: number): Promise<R> {
    this.#queuedEvents += events;
    this.#queuedBytes += bytes;
    return new Promise((resolve, reject) => {
      this.#pieces.push({ events, bytes, resolve: resolve as (result: CommitResult) => void, reject });
    });
  }

  #tell(message: ToWriter, transfer: readonly ArrayBuffer[] = []): void {
    this.#worker.postMessage(message, transfer);
  }

  #receive(message: FromWriter): void {
    switch (message.kind) {
      case "committed":
        // The head moves first: whoever sees an append confirmed can read it.
        this.#trouble.worked();
        this.#onHead(message.head);
        for (const result of message.results) this.#takePiece()?.resolve(result);
        return;
      case "commitFailed":
        this.#commitFailed(message.pieces, message.failure);
        return;
      case "removed":
        this.#removals.shift()?.resolve(message.through);
        return;
      case "removeFailed":
        this.#removals.shift()?.reject(logUnavailable(new LogWriteError(message.failure)));
        if (isFatal(message.failure)) this.#stop(new LogWriteError(message.failure));
        return;
      case "tried":
        this.#trouble.tried(message.failure && new LogWriteError(message.failure));
        if (message.failure !== undefined && isFatal(message.failure))
          this.#stop(new LogWriteError(message.failure));
        return;
      default:
        return;
    }
  }

  #commitFailed(pieces: number, failure: SqliteFailure): void {
    const error = new LogWriteError(failure);
    let bytes = 0;
    for (let n = 0; n < pieces; n++) {
      const piece = this.#takePiece();
      bytes += piece?.bytes ?? 0;
      piece?.reject(logUnavailable(error));
    }
    if (isFatal(failure)) this.#stop(error);
    else this.#trouble.failed(error, bytes);
  }

  #takePiece(): OpenPiece | undefined {
    const piece = this.#pieces.shift();
    if (piece === undefined) return undefined;
    this.#queuedEvents -= piece.events;
    this.#queuedBytes -= piece.bytes;
    return piece;
  }

  #stop(reason: Error): void {
    if (this.#stopped !== undefined) return;
    this.#stopped = reason;
    this.#trouble.stop();
    if (!this.#closing || this.#pieces.length > 0) this.#failed.resolve(reason);
    for (let piece = this.#takePiece(); piece !== undefined; piece = this.#takePiece())
      piece.reject(logUnavailable(reason));
    for (const removal of this.#removals.splice(0)) removal.reject(logUnavailable(reason));
  }
}

function bytesOf(change: SubscriptionChange): number {
  if (change.kind === "put") return CHANGE_BYTES + change.state.length;
  return CHANGE_BYTES + ("sequences" in change ? change.sequences.length * 8 : 0);
}

/** A view into a larger buffer would take all of that to the other thread. */
function ownState(change: SubscriptionChange): SubscriptionChange {
  if (change.kind !== "put" || change.state.byteLength === change.state.buffer.byteLength) return change;
  return { ...change, state: new Uint8Array(change.state) };
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
