import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { runCheckpoints } from "./checkpoint-thread.ts";
import { EventLogOpenError, inaccessible } from "./open-failure.ts";
import { openReplicaDatabase, openWriterDatabase } from "./schema.ts";
import { sqliteFailure } from "./sqlite-error.ts";
import { Writer } from "./writer.ts";
import type {
  CheckpointThreadData,
  CommitMessage,
  FromWriter,
  RemovalMessage,
  ToWriter,
  WriterThreadData,
} from "./writer-messages.ts";

/** Bytes after which a commit takes no more work, so that one transaction stays short. */
const MAX_COMMIT_BYTES = 4 * 1024 * 1024;

if (parentPort !== null) begin(parentPort, workerData as WriterThreadData | CheckpointThreadData);

/** Both kinds of threads are here, as the bundle holds the source of one. */
function begin(port: MessagePort, data: WriterThreadData | CheckpointThreadData): void {
  if ("checkpointsOf" in data) runCheckpoints(port, data.checkpointsOf);
  else start(port, data);
}

function start(port: MessagePort, data: WriterThreadData): void {
  const tell = (message: FromWriter): void => port.postMessage(message);
  const writer = open(data, tell);
  if (writer === undefined) return;
  port.on("message", (first: ToWriter) => {
    let next: ToWriter | undefined = first;
    while (next !== undefined) next = handle(next, port, writer, tell);
  });
  tell({ kind: "ready", state: writer.state, durability: writer.durability });
}

function open(data: WriterThreadData, tell: (message: FromWriter) => void): Writer | undefined {
  try {
    const database = data.isReplica ? openReplicaDatabase(data) : openWriterDatabase(data);
    return new Writer(database, data.isReplica === true);
  } catch (error) {
    const { reason, file, message } =
      error instanceof EventLogOpenError ? error : inaccessible(data.file, error);
    tell({ kind: "refused", reason, file, message });
    return undefined;
  }
}

/** Handles a message and, with one to commit, all of those that wait behind it; returns the message after those. */
function handle(
  message: ToWriter,
  port: MessagePort,
  writer: Writer,
  tell: (message: FromWriter) => void,
): ToWriter | undefined {
  if (message.kind === "close") {
    writer.close();
    port.close();
    return undefined;
  }
  if (!isCommit(message)) {
    tell(message.kind === "try" ? attempt(writer, message.bytes) : remove(writer, message));
    return take(port);
  }
  const { work, next } = gather(message, port);
  tell(commit(writer, work));
  return next;
}

function gather(
  first: CommitMessage,
  port: MessagePort,
): { work: CommitMessage[]; next: ToWriter | undefined } {
  const work: CommitMessage[] = [];
  let bytes = 0;
  let next: ToWriter | undefined = first;
  while (next !== undefined && isCommit(next) && bytes < MAX_COMMIT_BYTES) {
    work.push(next);
    bytes += bytesOf(next);
    next = take(port);
  }
  return { work, next };
}

function isCommit(message: ToWriter): message is CommitMessage {
  switch (message.kind) {
    case "append":
    case "change":
    case "answers":
    case "submissions":
    case "replica":
      return true;
    default:
      return false;
  }
}

function bytesOf(message: CommitMessage): number {
  if (message.kind === "change") return message.bytes;
  if (message.kind !== "submissions") return message.batch.byteLength;
  return message.changes.byteLength + (message.batch?.byteLength ?? 0);
}

function take(port: MessagePort): ToWriter | undefined {
  return receiveMessageOnPort(port)?.message as ToWriter | undefined;
}

function commit(writer: Writer, work: readonly CommitMessage[]): FromWriter {
  try {
    const results = writer.commit(work);
    return { kind: "committed", results, head: writer.state.head };
  } catch (error) {
    return { kind: "commitFailed", pieces: work.length, failure: sqliteFailure(error) };
  }
}

function remove(writer: Writer, message: RemovalMessage): FromWriter {
  try {
    const result =
      message.kind === "remove" ? writer.remove(message.through) : writer.expire(message.expiredMs);
    return { kind: "removed", result };
  } catch (error) {
    return { kind: "removeFailed", failure: sqliteFailure(error) };
  }
}

function attempt(writer: Writer, bytes: number): FromWriter {
  try {
    writer.try(bytes);
    return { kind: "tried", failure: undefined };
  } catch (error) {
    return { kind: "tried", failure: sqliteFailure(error) };
  }
}
