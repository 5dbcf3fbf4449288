import type { NewEvent } from "../../event-log.ts";
import type { SubmissionRecord, SubmissionStore } from "../../submission-store.ts";
import { UnreadableMessage } from "../store-errors.ts";
import { unpackEvents } from "./event-batch.ts";
import type { OutboxSubjects } from "./outbox-subjects.ts";
import type { StoredMessage } from "./stored-message.ts";
import type { StreamAccess } from "./stream-access.ts";
import { type BlobRef, decodeRecord, isRef, type Slot } from "./submission-message.ts";
import { hasRefs, type RecordRefs } from "./submission-plan.ts";

/** Bytes of records that go into the copy at once. */
const COPY_BYTES = 4 * 1024 * 1024;
/** Reads of messages that are under way at once. */
const MAX_READS = 32;

/** What a stream holds beside the records themselves. */
export interface LoadedSubmissions {
  readonly refs: Map<number, RecordRefs>;
  readonly lastNumber: number;
  /** Events of messages up to this sequence are in the log. */
  readonly appendedTo: number;
  /** Those of the messages after it, which a crash may have kept from the log. */
  readonly events: readonly NewEvent[];
}

/** What {@link loadSubmissions} works with. */
export interface LoadOptions {
  readonly stream: Pick<StreamAccess, "scan" | "at">;
  readonly subjects: OutboxSubjects;
  readonly copy: Pick<SubmissionStore, "commit">;
  /** By the last epoch. */
  readonly appendedTo: number;
  readonly lastNumber: number;
}

interface LoadedRecord {
  readonly sequence: number;
  readonly record: SubmissionRecord;
  readonly events: Slot;
}

/** Fills an empty copy with the records of a stream that nobody writes meanwhile. */
export async function loadSubmissions(options: LoadOptions): Promise<LoadedSubmissions> {
  const loading = new Loading(options);
  await options.stream.scan(options.subjects.allRecords, (messages) => loading.take(messages));
  return loading.finish();
}

class Loading {
  readonly #options: LoadOptions;
  readonly #refs = new Map<number, RecordRefs>();
  #lastNumber: number;
  #appendedTo: number;
  #records: SubmissionRecord[] = [];
  #bytes = 0;
  /** The commit of the records before those. */
  #stored: Promise<void> = Promise.resolve();
  /** Records of the last commit, as far as is known. */
  #recent: LoadedRecord[] = [];

  constructor(options: LoadOptions) {
    this.#options = options;
    this.#lastNumber = options.lastNumber;
    this.#appendedTo = options.appendedTo;
  }

  async take(messages: readonly StoredMessage[]): Promise<void> {
    for (let at = 0; at < messages.length; at += MAX_READS) {
      const some = messages.slice(at, at + MAX_READS);
      for (const loaded of await Promise.all(some.map((message) => this.#load(message))))
        await this.#add(loaded);
    }
  }

  async finish(): Promise<LoadedSubmissions> {
    await this.#flush();
    await this.#stored;
    const recent = this.#recent.filter(({ sequence }) => sequence > this.#appendedTo);
    const events: NewEvent[] = [];
    for (const { events: slot } of recent) events.push(...unpackEvents(await this.#bytesOf(slot)));
    return { refs: this.#refs, lastNumber: this.#lastNumber, appendedTo: this.#appendedTo, events };
  }

  async #load({ sequence, data }: StoredMessage): Promise<LoadedRecord> {
    const { appendedTo, record, request, outcome, events } = decodeRecord(data);
    const refs = { request: refOf(request), outcome: refOf(outcome), events: refOf(events) };
    if (hasRefs(refs)) this.#refs.set(record.number, refs);
    this.#lastNumber = Math.max(this.#lastNumber, record.number);
    this.#appendedTo = Math.max(this.#appendedTo, appendedTo);
    const [requestBytes, outcomeBytes] = await Promise.all([this.#bytesOf(request), this.#bytesOf(outcome)]);
    return { sequence, events, record: { ...record, request: requestBytes, outcome: outcomeBytes } };
  }

  async #add(loaded: LoadedRecord): Promise<void> {
    const { record, sequence } = loaded;
    if (this.#recent.length > 0 && (this.#recent[0]?.sequence ?? 0) <= this.#appendedTo)
      this.#recent = this.#recent.filter((one) => one.sequence > this.#appendedTo);
    if (sequence > this.#appendedTo) this.#recent.push(loaded);
    this.#records.push(record);
    this.#bytes += record.request.length + record.outcome.length + 256;
    if (this.#bytes >= COPY_BYTES) await this.#flush();
  }

  /** The next records are read while these are stored. */
  async #flush(): Promise<void> {
    const records = this.#records;
    this.#records = [];
    this.#bytes = 0;
    await this.#stored;
    this.#stored = this.#options.copy.commit({ records, removed: [], events: [] });
    // Whoever waits for it next sees the error.
    this.#stored.catch(() => {});
  }

  async #bytesOf(slot: Slot): Promise<Uint8Array> {
    if (!isRef(slot)) return slot;
    const parts: Uint8Array[] = [];
    for (let n = 0; n < slot.parts; n++) parts.push(await this.#part(slot.first + n));
    return Buffer.concat(parts);
  }

  async #part(sequence: number): Promise<Uint8Array> {
    const message = await this.#options.stream.at(sequence);
    if (message === undefined)
      throw new UnreadableMessage(
        `the stream of submissions lacks message ${sequence}, which a record needs`,
      );
    return message.data;
  }
}

function refOf(slot: Slot): BlobRef | undefined {
  return isRef(slot) ? slot : undefined;
}
