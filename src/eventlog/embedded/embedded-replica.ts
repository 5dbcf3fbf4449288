import type { StatementSync } from "node:sqlite";
import type {
  EventRecord,
  LogBounds,
  LogHealth,
  LogStats,
  ReadOptions,
  ReadResult,
  RetentionLimits,
} from "../event-log.ts";
import type { ReplicaEntry, ReplicaLog } from "../replica-log.ts";
import type { Checkpointer } from "./checkpointer.ts";
import { LocalLog, type LocalLogParts } from "./local-log.ts";
import type { WriterClient, WriterClientParts } from "./writer-client.ts";

/** What an {@link EmbeddedReplica} is made of; it closes them. */
export interface EmbeddedReplicaParts extends Omit<LocalLogParts, "remove"> {
  readonly lock: Disposable;
  /** Told by stats(). */
  readonly retention: RetentionLimits;
  /** Resolves when the file was found damaged. */
  readonly damaged: Promise<Error>;
  readonly checkpointer: Checkpointer;
  /** Starts the writer's client. */
  readonly connectWriter: (
    calls: Pick<WriterClientParts, "onHead" | "onFailure" | "onTaken">,
  ) => WriterClient;
}

/** A replica in the embedded engine's files, see {@link ReplicaLog}. Its head is its position. */
export class EmbeddedReplica implements ReplicaLog {
  readonly id: string;
  readonly failed: Promise<Error>;
  readonly #parts: EmbeddedReplicaParts;
  readonly #log: LocalLog;
  readonly #writer: WriterClient;
  readonly #count: StatementSync;
  readonly #gone = Promise.withResolvers<Error>();
  #isApplying = false;
  #closed: Promise<void> | undefined;

  /** @throws an error of node:sqlite */
  constructor(parts: EmbeddedReplicaParts) {
    this.#parts = parts;
    this.#count = parts.connection.database.prepare("SELECT events FROM replica_state");
    this.#log = new LocalLog({ ...parts, remove: (through) => this.#writer.remove(through) });
    this.id = this.#log.id;
    this.#writer = parts.connectWriter({
      onHead: (head) => this.#log.advance(head),
      onFailure: ignore,
      onTaken: (bytes) => parts.checkpointer.taken(bytes),
    });
    this.failed = Promise.race([this.#writer.failed, parts.damaged, this.#gone.promise]);
  }

  get position(): number {
    return this.#log.bounds().head;
  }

  async apply(entries: readonly ReplicaEntry[], through: number): Promise<{ readonly duplicates: number }> {
    this.#log.requireOpen();
    if (this.#isApplying) throw new Error("entries are applied one call at a time");
    if (entries.length === 0 && through === this.position) return { duplicates: 0 };
    this.#isApplying = true;
    try {
      const { duplicates } = await this.#writer.applyEntries(entries, this.position, through);
      this.#requireInPlace();
      return { duplicates };
    } finally {
      this.#isApplying = false;
    }
  }

  health(): LogHealth {
    return this.#log.health(this.#writer.trouble);
  }

  async stats(): Promise<LogStats> {
    this.#log.requireOpen();
    const events = this.#parts.connection.guard.run(() => Number(this.#count.get()?.events));
    return { events, sizeBytes: this.#log.usedBytes(), retention: this.#parts.retention };
  }

  bounds(): LogBounds {
    return this.#log.bounds();
  }

  read(after: number, options: ReadOptions): Promise<ReadResult> {
    return this.#log.read(after, options);
  }

  readMessage(messageId: string, after: number, options: ReadOptions): Promise<ReadResult> {
    return this.#log.readMessage(messageId, after, options);
  }

  statusOf(messageId: string): Promise<EventRecord | undefined> {
    return this.#log.statusOf(messageId);
  }

  positionAtTime(timeMs: number): Promise<number> {
    return this.#log.positionAtTime(timeMs);
  }

  recordTimeAfter(after: number): Promise<number | undefined> {
    return this.#log.recordTimeAfter(after);
  }

  waitPast(after: number, signal: AbortSignal): Promise<void> {
    return this.#log.waitPast(after, signal);
  }

  removeThrough(position: number): Promise<void> {
    return this.#log.removeThrough(position);
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#log.close();
    // The writer closes last: its connection moves the write-ahead log into the file.
    this.#parts.connection.close();
    await this.#parts.checkpointer.close();
    await this.#writer.close();
    this.#parts.lock[Symbol.dispose]();
  }

  /** @throws ServiceError LOG_UNAVAILABLE */
  #requireInPlace(): void {
    try {
      this.#log.requireInPlace();
    } catch (error) {
      this.#gone.resolve(error as Error);
      throw error;
    }
  }
}

function ignore(): void {}
