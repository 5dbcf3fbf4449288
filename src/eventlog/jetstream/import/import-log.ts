import type { TransferReader } from "../../transfer/read-transfer.ts";
import { NO_ITEMS, type TransferCounts, type TransferHeader } from "../../transfer/transfer-format.ts";
import type { TransferItem, TransferredEvent } from "../../transfer/transfer-items.ts";
import type { EventImport } from "./event-import.ts";
import { ImportError } from "./import-error.ts";
import type { ImportStores } from "./import-stores.ts";
import { StoreImport } from "./store-import.ts";

/** Where a log is imported to. */
export interface ImportTarget {
  /** Nothing of the log is there. */
  readonly isNew: boolean;
  /** Makes a new target begin where the log begins; when the signal aborts it stops, and is called again later. */
  useUpSequences(signal: AbortSignal, onProgress: (sequence: number) => void): Promise<void>;
  readonly events: EventImport;
  readonly stores: ImportStores;
  /** Tells everybody that the log is whole: from then on services can start on it. */
  complete(): Promise<void>;
}

/** How to import. */
export interface ImportOptions {
  /** Answers to calls with a request id that were given at this time or before are left out, Unix milliseconds. */
  readonly expiredMs: number;
  /** Stops the import; what is there stays. */
  readonly signal: AbortSignal;
  /** Called now and then with what was read so far. */
  readonly onProgress: (read: TransferCounts) => void;
  /** Called now and then while sequences before the first event are used up, with the last of them. */
  readonly onUsedUp: (sequence: number) => void;
}

/** What an import has come to. */
export interface ImportResult {
  /** False when it was stopped: the same import goes on where it has stopped. */
  readonly isWhole: boolean;
  readonly read: TransferCounts;
  readonly importedEvents: number;
  /** Events that an earlier run has imported. */
  readonly presentEvents: number;
  /** Answers whose time has passed. */
  readonly expiredAnswers: number;
}

/**
 * Imports a log. Events come first, each with the sequence that it had; an
 * import that was interrupted goes on behind the last one that is there. The
 * rest is put again as a whole. Only when the file has been read to its end is
 * the target made an event log: of a file that is cut off or damaged nothing
 * can be used by mistake.
 *
 * Rejects with TransferError, ImportError, ServiceError, or as the source of the file does.
 */
export async function importLog(
  transfer: TransferReader,
  target: ImportTarget,
  options: ImportOptions,
): Promise<ImportResult> {
  if (target.isNew) {
    await requireUnused(target.stores);
    await target.useUpSequences(options.signal, options.onUsedUp);
  }
  const run = new ImportRun(transfer.header, target, options);
  const items = transfer.items();
  const stopped = aborted(options.signal);
  for (;;) {
    const next = await Promise.race([items.next(), stopped]);
    if (next === undefined) return run.result(false);
    if (next.done === true) break;
    await run.take(next.value);
  }
  await run.finish();
  await target.complete();
  return run.result(true);
}

/** Streams that other things use would be cleared. */
async function requireUnused(stores: ImportStores): Promise<void> {
  const used = await stores.streamsInUse();
  if (used.length === 0) return;
  const text = `${used.join(", ")} hold something already; remove them (nats stream rm) if nothing of it is needed, or choose another nats.prefix`;
  throw new ImportError("TARGET_NOT_EMPTY", text);
}

/** One promise for the whole import: each would leave a listener behind. */
function aborted(signal: AbortSignal): Promise<undefined> {
  if (signal.aborted) return Promise.resolve(undefined);
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(undefined), { once: true }));
}

/** One run of an import. */
class ImportRun {
  readonly #target: ImportTarget;
  readonly #options: ImportOptions;
  readonly #stores: StoreImport;
  #read: TransferCounts = NO_ITEMS;
  #haveStoresBegun = false;

  constructor(header: TransferHeader, target: ImportTarget, options: ImportOptions) {
    this.#target = target;
    this.#options = options;
    this.#stores = new StoreImport(target.stores, header.lastSubmissionNumber, options.expiredMs);
  }

  /** Takes items of one kind. */
  async take(items: readonly TransferItem[]): Promise<void> {
    const events = items.filter((item) => item.kind === "event");
    if (events.length > 0) await this.#takeEvents(events);
    else await this.#takeOthers(items);
    this.#options.onProgress(this.#read);
  }

  async finish(): Promise<void> {
    await this.#beginStores();
    await this.#stores.finish();
  }

  result(isWhole: boolean): ImportResult {
    const { imported, present } = this.#target.events;
    return {
      isWhole,
      read: this.#read,
      importedEvents: imported,
      presentEvents: present,
      expiredAnswers: this.#stores.expiredAnswers,
    };
  }

  async #takeEvents(events: readonly TransferredEvent[]): Promise<void> {
    await this.#target.events.add(events);
    this.#read = { ...this.#read, events: this.#read.events + events.length };
  }

  async #takeOthers(items: readonly TransferItem[]): Promise<void> {
    await this.#beginStores();
    await this.#stores.put(items);
    this.#read = { ...this.#stores.counts, events: this.#read.events };
  }

  async #beginStores(): Promise<void> {
    if (this.#haveStoresBegun) return;
    this.#haveStoresBegun = true;
    await this.#target.events.finish();
    await this.#target.stores.clear();
  }
}
