import { randomBytes } from "node:crypto";
import { Worker } from "node:worker_threads";
import { type EmbeddedEventLog, EmbeddedLog } from "./embedded-log.ts";
import { type LogFiles, prepareLogFiles } from "./log-files.ts";
import { corrupt, inaccessible } from "./open-failure.ts";
import { OpenedFile } from "./opened-file.ts";
import { Reader } from "./reader.ts";
import { RecentRecords } from "./recent-records.ts";
import { isCorrupt, sqliteFailure } from "./sqlite-error.ts";
import { WriterClient, writerReady } from "./writer-client.ts";
import { lockForWriting } from "./writer-lock.ts";
import type { WriterThreadData } from "./writer-messages.ts";

/** Source of the writer thread, filled in by the bundler; not defined when run from source. */
declare const __EVENTLOG_WRITER_SOURCE__: string | undefined;

/** Most events that wait for the writer, unless told otherwise. */
export const DEFAULT_MAX_QUEUED_EVENTS = 50_000;
/** Most bytes that wait for the writer, unless told otherwise. */
export const DEFAULT_MAX_QUEUED_BYTES = 64 * 1024 * 1024;
/** Most bytes of the database file, unless told otherwise. */
export const DEFAULT_MAX_FILE_BYTES = 10 * 1024 * 1024 * 1024;
/** Newest events kept encoded in memory. */
export const RECENT_RECORDS = 2_048;
/** Most bytes of the newest events kept in memory. */
export const RECENT_BYTES = 8 * 1024 * 1024;

/** How to open an embedded log. */
export interface EmbeddedLogOptions {
  /** Holds the log's files and nothing else; created when it is missing. */
  readonly directory: string;
  /** Unix milliseconds. Default: the system's clock. */
  readonly now?: () => number;
  /** Identity for a log that is created now: 8 random bytes. */
  readonly newLogId?: () => Uint8Array;
  /** Most events that wait to be stored; past it append() rejects OVERLOADED. */
  readonly maxQueuedEvents?: number;
  /** Most bytes that wait to be stored; past it append() rejects OVERLOADED. */
  readonly maxQueuedBytes?: number;
  /** Most bytes of the database file; past it append() rejects LOG_UNAVAILABLE until events are removed. */
  readonly maxFileBytes?: number;
  /** Milliseconds on a clock that only goes forward. Default: the system's. */
  readonly monotonicNow?: () => number;
  /** Starts the writer thread. */
  readonly startWriter?: (data: WriterThreadData) => Worker;
}

/**
 * Opens the event log in a directory, and creates it when there is none. The
 * log has one writer, a thread of this process, until it is disposed of.
 *
 * @throws EventLogOpenError when the directory or the files cannot be used.
 */
export async function openEmbeddedLog(options: EmbeddedLogOptions): Promise<EmbeddedEventLog> {
  const files = prepareLogFiles(options.directory);
  const lock = lockForWriting(files.lock);
  try {
    return await openLocked(options, files, lock);
  } catch (error) {
    lock[Symbol.dispose]();
    throw error;
  }
}

async function openLocked(
  options: EmbeddedLogOptions,
  files: LogFiles,
  lock: Disposable,
): Promise<EmbeddedEventLog> {
  const newLogId = options.newLogId ?? (() => randomBytes(8));
  const worker = (options.startWriter ?? startWriterThread)({
    file: files.events,
    newLogId: Buffer.from(newLogId()).toString("hex"),
    maxBytes: options.maxFileBytes ?? DEFAULT_MAX_FILE_BYTES,
  });
  try {
    const state = await writerReady(worker, files.events);
    return new EmbeddedLog({
      state,
      lock,
      file: OpenedFile.at(files.events, options.monotonicNow),
      reader: openReader(files.events, state.logId),
      recent: new RecentRecords({ records: RECENT_RECORDS, bytes: RECENT_BYTES }),
      now: options.now ?? Date.now,
      connectWriter: (onHead) => new WriterClient(worker, queueLimits(options), onHead),
    });
  } catch (error) {
    await worker.terminate();
    throw error;
  }
}

function queueLimits(options: EmbeddedLogOptions): { events: number; bytes: number } {
  return {
    events: options.maxQueuedEvents ?? DEFAULT_MAX_QUEUED_EVENTS,
    bytes: options.maxQueuedBytes ?? DEFAULT_MAX_QUEUED_BYTES,
  };
}

function openReader(file: string, logId: string): Reader {
  try {
    return new Reader(file, logId);
  } catch (error) {
    throw isCorrupt(error) ? corrupt(file, sqliteFailure(error).text, error) : inaccessible(file, error);
  }
}

/** Starts the writer from the bundle's copy of its source, or from the file beside this one. */
export function startWriterThread(data: WriterThreadData): Worker {
  const options = { workerData: data, name: "event-log-writer" };
  return typeof __EVENTLOG_WRITER_SOURCE__ === "string"
    ? new Worker(__EVENTLOG_WRITER_SOURCE__, { ...options, eval: true })
    : new Worker(new URL("./writer-thread.ts", import.meta.url), options);
}
