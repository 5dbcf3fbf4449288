import { randomBytes } from "node:crypto";
import { Worker } from "node:worker_threads";
import { systemTimer, type Timer } from "../../timer.ts";
import type { AnswerLimits } from "../answer-store.ts";
import type { RetentionLimits } from "../event-log.ts";
import { type EmbeddedEventLog, EmbeddedLog } from "./embedded-log.ts";
import { LogConnection } from "./log-connection.ts";
import { type LogFiles, prepareLogFiles } from "./log-files.ts";
import { LogStores } from "./log-stores.ts";
import { OpenedFile } from "./opened-file.ts";
import { RecentRecords } from "./recent-records.ts";
import { DEFAULT_RETENTION_AGE_MS, DEFAULT_RETENTION_BYTES } from "./retention.ts";
import { WriterClient, type WriterClientParts } from "./writer-client.ts";
import { lockForWriting } from "./writer-lock.ts";
import type { CheckpointThreadData, WriterThreadData } from "./writer-messages.ts";
import { writerReady } from "./writer-ready.ts";

/** Where the bundle's loader leaves a function that gives the source of the writer thread; nothing stands there when run from source. */
const BUNDLED_WRITER = Symbol.for("infobip-rpc.writer");

/** Most events that wait for the writer, unless told otherwise. */
export const DEFAULT_MAX_QUEUED_EVENTS = 50_000;
/** Most bytes that wait for the writer, unless told otherwise. */
export const DEFAULT_MAX_QUEUED_BYTES = 64 * 1024 * 1024;
/** Time for which answers to calls with a request id are kept, unless told otherwise: a day. */
const DEFAULT_ANSWER_WINDOW_MS = 24 * 60 * 60 * 1000;
/** Most bytes of those answers, unless told otherwise. */
const DEFAULT_ANSWER_BYTES = 256 * 1024 * 1024;
/** Bytes that the database file may take beyond a tenth more than retention's limit, unless told otherwise: room for appends while retention works. */
const FILE_ROOM_BYTES = 64 * 1024 * 1024;
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
  /** Most events that wait to be stored; past it appends and commits reject OVERLOADED. */
  readonly maxQueuedEvents?: number;
  /** Most bytes that wait to be stored, of whatever kind; past it appends and commits reject OVERLOADED. */
  readonly maxQueuedBytes?: number;
  /** Beyond which the oldest events are removed. Default: 7 days, 10 GiB. The file never shrinks: what is free is used again. */
  readonly retention?: Partial<RetentionLimits>;
  /** How long answers are kept, and how many. Default: a day, 256 MiB. */
  readonly answers?: Partial<AnswerLimits>;
  /** Most bytes of the database file; past it append() rejects LOG_UNAVAILABLE until events are removed. Default: above retention's limit. */
  readonly maxFileBytes?: number;
  /** The log is of no use after this process, such as a copy of what is kept elsewhere: commits are not synced one by one. */
  readonly isScratch?: boolean;
  /** For retention, for the removal of expired answers, and for tries while commits fail. Default: the system's. */
  readonly timer?: Timer;
  /** Commits have begun to fail: appends are refused until onRecovered. Message and `code` name SQLite's result code; no path. */
  readonly onTrouble?: (error: Error) => void;
  /** Commits work again. */
  readonly onRecovered?: () => void;
  /** A read has found the file damaged; called once. */
  readonly onDamaged?: (error: Error) => void;
  /** Retention could not remove events, or expired answers could not be removed; it tries again in 10 s. */
  readonly onRetentionFailed?: (error: Error) => void;
  /** Milliseconds on a clock that only goes forward, to see steps of the other one, among others. Default: the system's. */
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
  const limits = retentionLimits(options);
  const worker = (options.startWriter ?? startWriterThread)({
    file: files.events,
    newLogId: Buffer.from(newLogId()).toString("hex"),
    maxBytes: options.maxFileBytes ?? Math.ceil(limits.bytes * 1.1) + FILE_ROOM_BYTES,
    ...(options.isScratch && { isScratch: true }),
  });
  try {
    const state = await writerReady(worker, files.events);
    const connection = LogConnection.open(files.events, state.logId, options.onDamaged ?? ignore);
    const clocks = {
      now: options.now ?? Date.now,
      monotonicNow: options.monotonicNow ?? (() => performance.now()),
    };
    const timer = timerOf(options);
    const onFailed = options.onRetentionFailed ?? ignore;
    return new EmbeddedLog({
      state,
      lock,
      connection,
      file: OpenedFile.at(files.events, options.monotonicNow),
      recent: new RecentRecords({ records: RECENT_RECORDS, bytes: RECENT_BYTES }),
      now: clocks.now,
      retention: { limits, timer, monotonicNow: clocks.monotonicNow, onFailed },
      connectWriter: (calls) => new WriterClient({ ...writerParts(worker, options), ...calls }),
      createStores: (parts) =>
        new LogStores({
          ...parts,
          ...clocks,
          connection,
          timer,
          answerLimits: answerLimits(options),
          onExpiryFailed: onFailed,
        }),
    });
  } catch (error) {
    await worker.terminate();
    throw error;
  }
}

function ignore(): void {}

function timerOf(options: EmbeddedLogOptions): Timer {
  return options.timer ?? systemTimer;
}

function retentionLimits({ retention }: EmbeddedLogOptions): RetentionLimits {
  return {
    ageMs: retention?.ageMs ?? DEFAULT_RETENTION_AGE_MS,
    bytes: retention?.bytes ?? DEFAULT_RETENTION_BYTES,
  };
}

function answerLimits({ answers }: EmbeddedLogOptions): AnswerLimits {
  return {
    windowMs: answers?.windowMs ?? DEFAULT_ANSWER_WINDOW_MS,
    maxBytes: answers?.maxBytes ?? DEFAULT_ANSWER_BYTES,
  };
}

function writerParts(
  worker: Worker,
  options: EmbeddedLogOptions,
): Omit<WriterClientParts, "onHead" | "onFailure" | "onTaken"> {
  return {
    worker,
    timer: timerOf(options),
    onTrouble: options.onTrouble ?? ignore,
    onRecovered: options.onRecovered ?? ignore,
    limits: {
      events: options.maxQueuedEvents ?? DEFAULT_MAX_QUEUED_EVENTS,
      bytes: options.maxQueuedBytes ?? DEFAULT_MAX_QUEUED_BYTES,
    },
  };
}

/** Starts the writer. */
export function startWriterThread(data: WriterThreadData): Worker {
  return startThread(data, "event-log-writer");
}

/** Starts the thread that does the checkpoints of a database. */
export function startCheckpointThread(data: CheckpointThreadData): Worker {
  return startThread(data, "event-log-checkpoints");
}

/** A thread's young objects are few and small: batches come as buffers. Without a bound they take 48 MiB in bursts. */
const resourceLimits = { maxYoungGenerationSizeMb: 4 };

/** The thread's source lies beside this file; the bundle has it as text. */
function startThread(workerData: WriterThreadData | CheckpointThreadData, name: string): Worker {
  const text = Reflect.get(globalThis, BUNDLED_WRITER) as (() => string) | undefined;
  return text === undefined
    ? new Worker(new URL("./writer-thread.ts", import.meta.url), { workerData, name, resourceLimits })
    : new Worker(text(), { workerData, name, resourceLimits, eval: true });
}
