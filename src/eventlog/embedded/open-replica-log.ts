import type { Worker } from "node:worker_threads";
import { systemTimer, type Timer } from "../../timer.ts";
import type { RetentionLimits } from "../event-log.ts";
import type { ReplicaLog } from "../replica-log.ts";
import { Checkpointer } from "./checkpointer.ts";
import { EmbeddedReplica } from "./embedded-replica.ts";
import { LogConnection } from "./log-connection.ts";
import { LogWriteError } from "./log-errors.ts";
import {
  DEFAULT_MAX_QUEUED_BYTES,
  DEFAULT_MAX_QUEUED_EVENTS,
  RECENT_BYTES,
  RECENT_RECORDS,
  startCheckpointThread,
  startWriterThread,
} from "./open-embedded-log.ts";
import { EventLogOpenError } from "./open-failure.ts";
import { OpenedFile } from "./opened-file.ts";
import { RecentRecords } from "./recent-records.ts";
import { ReplicaFiles } from "./replica-files.ts";
import { DEFAULT_RETENTION_AGE_MS, DEFAULT_RETENTION_BYTES } from "./retention.ts";
import { otherReplica } from "./schema.ts";
import { isFatal } from "./sqlite-error.ts";
import { WriterClient } from "./writer-client.ts";
import { lockForWriting } from "./writer-lock.ts";
import type { WriterThreadData } from "./writer-messages.ts";
import { writerReady } from "./writer-ready.ts";

/**
 * Why a replica was thrown away and begun anew. CORRUPT: it is damaged or cut
 * off. OTHER_VERSION: written by another version of this service. OTHER_LOG: of
 * another log, or further than its log.
 */
export type RebuildReason = "CORRUPT" | "OTHER_VERSION" | "OTHER_LOG";

/** How to open a replica. */
export interface ReplicaLogOptions {
  /** Holds the replica's files and nothing else; created when it is missing. */
  readonly directory: string;
  /** Identity of the log that it is a copy of: 16 lower-case hex digits. */
  readonly logId: string;
  /** Last sequence of that log; a replica that is past it is of an older state of the log. Default: not looked at. */
  readonly lastSequence?: number;
  /** Limits of that log's retention, which stats() tells; nothing is removed by them. Default: as those of an embedded log. */
  readonly retention?: Partial<RetentionLimits>;
  /** Most bytes of the database file; past it apply() rejects LOG_UNAVAILABLE until events are removed. Default: none, the log's own limit bounds it. */
  readonly maxFileBytes?: number;
  /** For tries while commits fail. Default: the system's. */
  readonly timer?: Timer;
  /** Milliseconds on a clock that only goes forward, for looks at the file. Default: the system's. */
  readonly monotonicNow?: () => number;
  /** Commits have begun to fail: apply() rejects until onRecovered. Message and `code` name SQLite's result code; no path. */
  readonly onTrouble?: (error: Error) => void;
  /** Commits work again. */
  readonly onRecovered?: () => void;
  /** A read has found the file damaged; called once. The replica is built anew when it is opened again. */
  readonly onDamaged?: (error: Error) => void;
  /** What was there could not be used and was removed: the replica begins at position 0. */
  readonly onRebuilt?: (reason: RebuildReason) => void;
  /** Starts the writer thread. Default: startWriterThread. */
  readonly startWriter?: (data: WriterThreadData) => Worker;
}

/**
 * Opens the replica of a log, or begins it. One that cannot be used is removed
 * and begun anew; a file in its place that is no replica stays, since nothing
 * else may hold what it does.
 *
 * @throws EventLogOpenError NOT_A_LOG for such a file; IN_USE or INACCESSIBLE when the directory or files cannot be used
 */
export async function openReplicaLog(options: ReplicaLogOptions): Promise<ReplicaLog> {
  const files = ReplicaFiles.prepare(options.directory);
  const lock = lockForWriting(files.lock);
  try {
    if (files.isMarkedDamaged) rebuild(files, options, "CORRUPT");
    try {
      return await openLocked(options, files, lock);
    } catch (error) {
      const reason = rebuildReason(error);
      if (reason === undefined) throw error;
      rebuild(files, options, reason);
      return await openLocked(options, files, lock);
    }
  } catch (error) {
    lock[Symbol.dispose]();
    throw error;
  }
}

function rebuild(files: ReplicaFiles, { onRebuilt }: ReplicaLogOptions, reason: RebuildReason): void {
  files.wipe();
  onRebuilt?.(reason);
}

function rebuildReason(error: unknown): RebuildReason | undefined {
  if (!(error instanceof EventLogOpenError)) return undefined;
  const { reason } = error;
  return reason === "CORRUPT" || reason === "OTHER_VERSION" || reason === "OTHER_LOG" ? reason : undefined;
}

async function openLocked(
  options: ReplicaLogOptions,
  files: ReplicaFiles,
  lock: Disposable,
): Promise<ReplicaLog> {
  const { database } = files;
  const worker = (options.startWriter ?? startWriterThread)({
    isReplica: true,
    file: database,
    newLogId: options.logId,
    maxBytes: options.maxFileBytes ?? Number.MAX_SAFE_INTEGER,
  });
  let connection: LogConnection | undefined;
  try {
    const state = await writerReady(worker, database);
    requireNotAhead(state.head, options, database);
    const damaged = Promise.withResolvers<Error>();
    connection = LogConnection.open(database, state.logId, (error) => {
      files.markDamaged();
      options.onDamaged?.(error);
      damaged.resolve(error);
    });
    return new EmbeddedReplica({
      state,
      lock,
      connection,
      damaged: damaged.promise,
      file: OpenedFile.at(database, options.monotonicNow),
      recent: new RecentRecords({ records: RECENT_RECORDS, bytes: RECENT_BYTES }),
      retention: {
        ageMs: options.retention?.ageMs ?? DEFAULT_RETENTION_AGE_MS,
        bytes: options.retention?.bytes ?? DEFAULT_RETENTION_BYTES,
      },
      checkpointer: new Checkpointer(() => startCheckpointThread({ checkpointsOf: database })),
      connectWriter: (calls) => connectWriter(worker, options, files, calls),
    });
  } catch (error) {
    connection?.close();
    await worker.terminate();
    throw error;
  }
}

function requireNotAhead(head: number, { lastSequence }: ReplicaLogOptions, file: string): void {
  if (lastSequence === undefined || head <= lastSequence) return;
  throw otherReplica("OTHER_LOG", file, `up to ${head} of an event log that ends at ${lastSequence}`);
}

type WriterCalls = Pick<ConstructorParameters<typeof WriterClient>[0], "onHead" | "onFailure" | "onTaken">;

function connectWriter(
  worker: Worker,
  options: ReplicaLogOptions,
  files: ReplicaFiles,
  calls: WriterCalls,
): WriterClient {
  const writer = new WriterClient({
    ...calls,
    worker,
    timer: options.timer ?? systemTimer,
    onTrouble: options.onTrouble ?? ignore,
    onRecovered: options.onRecovered ?? ignore,
    limits: { events: DEFAULT_MAX_QUEUED_EVENTS, bytes: DEFAULT_MAX_QUEUED_BYTES },
  });
  void writer.failed.then((error) => {
    if (error instanceof LogWriteError && isFatal(error)) files.markDamaged();
  });
  return writer;
}

function ignore(): void {}
