import type { Worker } from "node:worker_threads";
import type { AppendResult, NewEvent } from "../event-log.ts";
import type { ReplicaEntry } from "../replica-log.ts";
import type { SubmissionCommit } from "../submission-store.ts";
import { type NewAnswer, packAnswers, packedAnswersLength } from "./answers/answer-buffer.ts";
import type { AnswerRemoval, AnswerTotals } from "./answers/answer-writer.ts";
import { packBatch, packedLength } from "./batch-buffer.ts";
import { LogWriteError, logOverloaded, logUnavailable } from "./log-errors.ts";
import { entriesLength, packEntries } from "./replica-buffer.ts";
import { isFatal, type SqliteFailure } from "./sqlite-error.ts";
import { packChanges, packedChangesLength } from "./submissions/submission-buffer.ts";
import { bytesOfChange, ownState } from "./subscription-changes.ts";
import type { SubscriptionChange, SubscriptionCommit } from "./subscription-store.ts";
import { WriteTrouble, type WriteTroubleParts } from "./write-trouble.ts";
import type {
  CommitMessage,
  CommitResult,
  CommitResults,
  FromWriter,
  RemovalMessage,
  RemovalResult,
  RemovalResults,
  ToWriter,
} from "./writer-messages.ts";

/** Bounds of what waits for the writer. */
export interface QueueLimits {
  /** Most events. */
  readonly events: number;
  /** Most bytes of packed events, answers and submissions, and of changes to subscriptions. */
  readonly bytes: number;
}

/** What a {@link WriterClient} works with. */
export interface WriterClientParts extends Omit<WriteTroubleParts, "attempt"> {
  readonly worker: Worker;
  readonly limits: QueueLimits;
  /** Called with the head after each commit, before what it has stored is confirmed. */
  readonly onHead: (head: number) => void;
  /** Called with the bytes that the queue has taken in all, whenever it takes some. */
  readonly onTaken: (bytes: number) => void;
}

interface OpenPiece {
  readonly events: number;
  readonly bytes: number;
  readonly resolve: (result: CommitResult) => void;
  readonly reject: (error: Error) => void;
}

interface OpenRemoval {
  readonly resolve: (result: RemovalResult) => void;
  readonly reject: (error: Error) => void;
}

/** The writer thread as the main thread sees it. */
export class WriterClient {
  readonly #worker: Worker;
  readonly #limits: QueueLimits;
  readonly #onHead: (head: number) => void;
  readonly #onTaken: (bytes: number) => void;
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
    this.#onTaken = parts.onTaken;
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

  append(events: readonly NewEvent[], timeMs: number): Promise<AppendResult> {
    const bytes = packedLength(events);
    return this.#commit(events.length, bytes, () => {
      const batch = packBatch(events, bytes);
      return [{ kind: "append", batch, timeMs }, [batch]];
    });
  }

  /** Stores changes of subscriptions, in one commit with whatever else waits. */
  change(changes: readonly SubscriptionChange[]): Promise<SubscriptionCommit> {
    const bytes = changes.reduce((sum, change) => sum + bytesOfChange(change), 0);
    return this.#commit(0, bytes, () => [{ kind: "change", changes: changes.map(ownState), bytes }, []]);
  }

  /** Stores answers. The first one for an id stays, unless it was saved at `expiredMs` or before. */
  saveAnswers(answers: readonly NewAnswer[], timeMs: number, expiredMs: number): Promise<AnswerTotals> {
    const bytes = packedAnswersLength(answers);
    return this.#commit(0, bytes, () => {
      const batch = packAnswers(answers, bytes);
      return [{ kind: "answers", batch, timeMs, expiredMs }, [batch]];
    });
  }

  /** Stores changes of submissions together with their events. Rejects with RangeError for a record that cannot be stored. */
  changeSubmissions(commit: SubmissionCommit, timeMs: number): Promise<AppendResult> {
    const { events } = commit;
    const changesLength = packedChangesLength(commit);
    const batchLength = events.length === 0 ? 0 : packedLength(events);
    return this.#commit(events.length, changesLength + batchLength, () => {
      const changes = packChanges(commit, changesLength);
      const batch = batchLength === 0 ? undefined : packBatch(events, batchLength);
      const transfer = batch === undefined ? [changes] : [changes, batch];
      return [{ kind: "submissions", changes, batch, timeMs }, transfer];
    });
  }

  /**
   * Stores entries of another log that come after a position and up to another.
   * Rejects with RangeError for those that do not.
   */
  applyEntries(entries: readonly ReplicaEntry[], after: number, through: number): Promise<AppendResult> {
    const bytes = entriesLength(entries);
    return this.#commit(entries.length, bytes, () => {
      const batch = packEntries(entries, bytes, after, through);
      return [{ kind: "replica", batch, through }, [batch]];
    });
  }

  /** Removes the oldest events up to a position not past the head, or as many as one step takes; resolves with how far it came. */
  remove(through: number): Promise<number> {
    return this.#remove({ kind: "remove", through });
  }

  /** Removes answers that were saved at a time or before, or as many as one step takes. */
  expireAnswers(expiredMs: number): Promise<AnswerRemoval> {
    return this.#remove({ kind: "expire", expiredMs });
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

  /** Gives the writer a piece of work, when the queue has room for it. */
  #commit<M extends CommitMessage>(
    events: number,
    bytes: number,
    pack: () => [message: M, transfer: ArrayBuffer[]],
  ): Promise<CommitResults[M["kind"]]> {
    const refusal = this.#refusal(events, bytes);
    if (refusal !== undefined) return Promise.reject(refusal);
    return new Promise((resolve, reject) => {
      // Packed before anything is counted: what cannot be packed leaves nothing behind.
      const [message, transfer] = pack();
      this.#queuedEvents += events;
      this.#queuedBytes += bytes;
      this.#takenBytes += bytes;
      this.#pieces.push({ events, bytes, resolve: resolve as (result: CommitResult) => void, reject });
      this.#tell(message, transfer);
      this.#onTaken(this.#takenBytes);
    });
  }

  #remove<M extends RemovalMessage>(message: M): Promise<RemovalResults[M["kind"]]> {
    if (this.#stopped !== undefined || this.#closing) return Promise.reject(logUnavailable(this.#stopped));
    return new Promise((resolve, reject) => {
      this.#removals.push({ resolve: resolve as (result: RemovalResult) => void, reject });
      this.#tell(message);
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
        this.#removals.shift()?.resolve(message.result);
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
