import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { EventLogOpenError, inaccessible } from "./open-failure.ts";
import { openWriterDatabase } from "./schema.ts";
import { sqliteFailure } from "./sqlite-error.ts";
import { type QueuedBatch, Writer } from "./writer.ts";
import type {
  AppendMessage,
  FromWriter,
  RemoveMessage,
  ToWriter,
  WriterThreadData,
} from "./writer-messages.ts";

/** Bytes after which a commit takes no more batches, so that one transaction stays short. */
const MAX_COMMIT_BYTES = 4 * 1024 * 1024;

if (parentPort !== null) start(parentPort, workerData as WriterThreadData);

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
    return new Writer(openWriterDatabase(data));
  } catch (error) {
    const { reason, file, message } =
      error instanceof EventLogOpenError ? error : inaccessible(data.file, error);
    tell({ kind: "refused", reason, file, message });
    return undefined;
  }
}

/** Handles a message and, with an append, all appends that wait behind it; returns the message after those. */
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
  if (message.kind === "remove") {
    tell(remove(writer, message));
    return take(port);
  }
  const { batches, next } = gather(message, port);
  tell(commit(writer, batches));
  return next;
}

function gather(
  first: AppendMessage,
  port: MessagePort,
): { batches: QueuedBatch[]; next: ToWriter | undefined } {
  const batches: QueuedBatch[] = [];
  let bytes = 0;
  let next: ToWriter | undefined = first;
  while (next?.kind === "append" && bytes < MAX_COMMIT_BYTES) {
    batches.push({ buffer: Buffer.from(next.batch), timeMs: next.timeMs });
    bytes += next.batch.byteLength;
    next = take(port);
  }
  return { batches, next };
}

function take(port: MessagePort): ToWriter | undefined {
  return receiveMessageOnPort(port)?.message as ToWriter | undefined;
}

function commit(writer: Writer, batches: readonly QueuedBatch[]): FromWriter {
  try {
    const results = writer.commit(batches);
    return { kind: "committed", results, head: writer.state.head };
  } catch (error) {
    return { kind: "commitFailed", batches: batches.length, failure: sqliteFailure(error) };
  }
}

function remove(writer: Writer, message: RemoveMessage): FromWriter {
  try {
    writer.remove(message.through);
    return { kind: "removed" };
  } catch (error) {
    return { kind: "removeFailed", failure: sqliteFailure(error) };
  }
}
