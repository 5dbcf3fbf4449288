import { EventImport } from "../src/eventlog/jetstream/import/event-import.ts";
import { type ImportResult, importLog } from "../src/eventlog/jetstream/import/import-log.ts";
import {
  completeImport,
  messageAt,
  openImportStream,
} from "../src/eventlog/jetstream/import/import-stream.ts";
import { importSubject } from "../src/eventlog/jetstream/import/import-subject.ts";
import { useUpSequences } from "../src/eventlog/jetstream/import/sequence-filler.ts";
import { TransferReader } from "../src/eventlog/transfer/read-transfer.ts";
import type { NatsLink } from "../src/nats/nats-link.ts";
import type { Publisher } from "../src/nats/publisher.ts";
import { MemoryImportStores } from "./fixtures/memory-import-stores.ts";

const MIB = 1024 * 1024;

/** Settings that the rig of the event log has too. */
export function streamOptions(prefix: string) {
  return { prefix, replicas: 1, retention: { ageMs: 3_600_000, bytes: 256 * MIB }, dedupeWindowMs: 600_000 };
}

/** What an import may be given beside its file. */
export interface ImportRunOptions {
  readonly stores?: MemoryImportStores;
  readonly signal?: AbortSignal;
  /** Answers up to this time are left out. */
  readonly expiredMs?: number;
  /** Told of the events read. */
  readonly onEvents?: (events: number) => void;
  /** Told of the sequences used up. */
  readonly onUsedUp?: (sequence: number) => void;
  readonly maxPayload?: number;
}

/** Imports a file into a server, with what is no event kept in memory. */
export async function importFile(
  { link, publisher }: { readonly link: NatsLink; readonly publisher: Publisher },
  prefix: string,
  chunks: AsyncIterable<Uint8Array>,
  options: ImportRunOptions = {},
): Promise<ImportResult | "already"> {
  const transfer = await TransferReader.open(chunks[Symbol.asyncIterator]());
  const stream = await openImportStream(link, streamOptions(prefix), transfer.header);
  if (stream.isDone) return "already";
  const { earliest } = transfer.header;
  const events = new EventImport({
    publisher,
    maxInFlightBytes: 32 * MIB,
    maxPayload: options.maxPayload ?? link.maxPayload,
    subject: importSubject(prefix),
    lastSequence: Math.max(stream.lastSequence, earliest),
    messageAt: (sequence) => messageAt(link, stream.name, sequence),
  });
  const target = {
    isNew: stream.isNew,
    events,
    useUpSequences: (signal: AbortSignal, onProgress: (sequence: number) => void) =>
      useUpSequences(
        { link, publisher, stream: stream.name, subject: importSubject(prefix), signal, onProgress },
        stream.lastSequence,
        earliest,
      ),
    stores: options.stores ?? new MemoryImportStores(),
    complete: () => completeImport(link, streamOptions(prefix), transfer.header),
  };
  return await importLog(transfer, target, {
    expiredMs: options.expiredMs ?? 0,
    signal: options.signal ?? new AbortController().signal,
    onProgress: ({ events: read }) => options.onEvents?.(read),
    onUsedUp: (sequence) => options.onUsedUp?.(sequence),
  });
}

/** A file as a stream of pieces. */
export async function* inPieces(file: Buffer, size = 65_536): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < file.length; at += size) yield file.subarray(at, at + size);
}
