import { connectNats } from "../../../nats/connect-nats.ts";
import { createPublisher } from "../../../nats/jetstream-publisher.ts";
import type { NatsLink } from "../../../nats/nats-link.ts";
import type { NatsOptions } from "../../../nats/nats-options.ts";
import type { Publisher } from "../../../nats/publisher.ts";
import { systemTimer } from "../../../timer.ts";
import type { TransferHeader } from "../../transfer/transfer-format.ts";
import type { EventStreamOptions } from "../event-stream.ts";
import { EventImport } from "./event-import.ts";
import type { ImportTarget } from "./import-log.ts";
import { completeImport, type ImportStream, messageAt, openImportStream } from "./import-stream.ts";
import { importSubject } from "./import-subject.ts";
import { type ImportStoresParts, openImportStores } from "./jetstream-import-stores.ts";
import { useUpSequences } from "./sequence-filler.ts";

/** Streams to import into, as a service would have them. */
export interface ImportSettings
  extends EventStreamOptions,
    Pick<ImportStoresParts, "answers" | "submissions" | "subscriptionsBytes" | "directory"> {
  readonly nats: NatsOptions;
}

/** An open target of an import. */
export interface OpenImport extends ImportTarget, AsyncDisposable {
  /** The whole log is there already. */
  readonly isDone: boolean;
}

/**
 * Connects to NATS and opens the target for a log. Rejects with
 * NatsConnectError, ImportError, StreamMismatch, StreamSetupError, ServiceError.
 */
export async function openImport(settings: ImportSettings, header: TransferHeader): Promise<OpenImport> {
  await using opened = new AsyncDisposableStack();
  const link = opened.use(await connectNats(settings.nats));
  const publisher = opened.use(createPublisher(link, { ...settings.nats, timer: systemTimer }));
  const stream = await openImportStream(link, settings, header);
  const stores = opened.use(
    await openImportStores({ ...settings, link, publisher, logId: header.logId, timer: systemTimer }),
  );
  const owned = opened.move();
  return {
    isDone: stream.isDone,
    isNew: stream.isNew,
    stores,
    events: eventImport(settings, { link, publisher, stream }, header),
    useUpSequences: (signal, onProgress) => {
      const subject = importSubject(settings.prefix);
      const parts = { link, publisher, stream: stream.name, subject, signal, onProgress };
      return useUpSequences(parts, stream.lastSequence, header.earliest);
    },
    complete: () => completeImport(link, settings, header),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function eventImport(
  settings: ImportSettings,
  { link, publisher, stream }: { link: NatsLink; publisher: Publisher; stream: ImportStream },
  header: TransferHeader,
): EventImport {
  return new EventImport({
    publisher,
    maxInFlightBytes: settings.nats.maxInFlightBytes,
    maxPayload: link.maxPayload,
    subject: importSubject(settings.prefix),
    lastSequence: Math.max(stream.lastSequence, header.earliest),
    messageAt: (sequence) => messageAt(link, stream.name, sequence),
  });
}
