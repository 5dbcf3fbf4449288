import { nuid } from "@nats-io/transport-node";
import { ApiError, apiFailure, askJetStream } from "./jetstream-api.ts";
import { logUnavailable, NatsFailure } from "./nats-errors.ts";
import type { NatsLink } from "./nats-link.ts";
import { PublishConflict, type Publisher, type PublishOptions } from "./publisher.ts";
import { lastMessage, purge, type StoredMessage } from "./stored-message.ts";
import {
  PART_TOKEN,
  PARTS_HEADER,
  type PartsPlace,
  partCount,
  readParts,
  writeParts,
} from "./value-parts.ts";
import type { PutOptions, StoredValue, Values } from "./values.ts";

/** Part of a message that is left for headers and the protocol. */
const HEADROOM_BYTES = 4_096;

/** Readings of a value that changes each time, and writings of one that others write too. */
const MAX_ATTEMPTS = 10;

/** Keys of which it is remembered that they have parts; parts of forgotten ones stay until the key is read and then put or deleted. */
const MAX_SPLIT_KEYS = 10_000;

const KEY = /^[\w-]+(\.[\w-]+)*$/;

/** Where values are kept, and by what they are written. */
export interface ValuesOptions {
  readonly link: NatsLink;
  readonly publisher: Publisher;
  /** Name of the stream; it keeps one message for each subject. */
  readonly stream: string;
  /** What the subjects of keys begin with, such as `p.owners`; the stream has all subjects below it. */
  readonly subject: string;
}

/** Values in a stream. What it uses stays the caller's. */
export function createValues(options: ValuesOptions): Values {
  return new StreamValues(options);
}

class StreamValues implements Values {
  readonly #link: NatsLink;
  readonly #publisher: Publisher;
  readonly #stream: string;
  readonly #subject: string;
  /** Keys that have parts, or may have. */
  readonly #split = new Set<string>();

  constructor({ link, publisher, stream, subject }: ValuesOptions) {
    this.#link = link;
    this.#publisher = publisher;
    this.#stream = stream;
    this.#subject = subject;
  }

  async get(key: string): Promise<StoredValue | undefined> {
    checkKey(key);
    let previous = -1;
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
      const message = await this.#last(key);
      if (message === undefined) return undefined;
      const data = await this.#data(key, message);
      if (data !== undefined) return toValue(message, data);
      // Its parts are gone: it has been replaced meanwhile, or they were lost.
      if (message.sequence === previous) throw failure("DAMAGED", this.#subject, "lacks parts");
      previous = message.sequence;
    }
    throw failure("CONFLICT", this.#subject, "changes faster than it can be read");
  }

  async put(key: string, data: Uint8Array, options: PutOptions = {}): Promise<number> {
    checkKey(key);
    if (data.length > this.#partBytes) return this.#putInParts(key, data, options);
    const revision = await this.#publish(key, data, options.expectedRevision, options.headers);
    if (this.#split.has(key) && (await this.#remove(this.#partsOf(key), revision))) this.#split.delete(key);
    return revision;
  }

  async delete(key: string, throughRevision?: number): Promise<void> {
    checkKey(key);
    const revision = throughRevision ?? (await this.#lastRevision(key));
    if (revision === undefined) return;
    // The value first: a reader that finds it still finds its parts.
    await purge(this.#link, this.#stream, `${this.#subject}.${key}`, revision + 1);
    if (!this.#split.has(key)) return;
    await purge(this.#link, this.#stream, this.#partsOf(key), revision);
    this.#split.delete(key);
  }

  async keys(prefix: string, limit: number): Promise<readonly string[]> {
    if (prefix !== "") checkKey(prefix);
    const filter = prefix === "" ? `${this.#subject}.>` : `${this.#subject}.${prefix}.>`;
    const found: string[] = [];
    for (let offset = 0; found.length < limit; ) {
      const { subjects, total } = await this.#subjects(filter, offset);
      for (const subject of subjects) {
        const key = subject.slice(this.#subject.length + 1);
        if (!key.startsWith(PART_TOKEN) && found.length < limit) found.push(key);
      }
      offset += subjects.length;
      if (subjects.length === 0 || offset >= total) break;
    }
    return found;
  }

  get #partBytes(): number {
    return Math.max(1, this.#link.maxPayload - HEADROOM_BYTES);
  }

  #partsOf(key: string, nonce = "*"): string {
    return `${this.#subject}.${PART_TOKEN}.${key}.${nonce}.*`;
  }

  #last(key: string): Promise<StoredMessage | undefined> {
    return lastMessage(this.#link, this.#stream, `${this.#subject}.${key}`);
  }

  /** Also notes whether the value has parts. */
  async #lastRevision(key: string): Promise<number | undefined> {
    const message = await this.#last(key);
    if (message?.headers[PARTS_HEADER] !== undefined) this.#remember(key);
    return message?.sequence;
  }

  async #data(key: string, message: StoredMessage): Promise<Uint8Array | undefined> {
    const header = message.headers[PARTS_HEADER];
    if (header === undefined) return message.data;
    this.#remember(key);
    const [nonce = "", count = "", bytes = ""] = header.split(" ");
    return readParts(this.#link, this.#stream, this.#place(key, nonce, Number(count)), Number(bytes));
  }

  #place(key: string, nonce: string, count: number): PartsPlace {
    return { subject: `${this.#subject}.${PART_TOKEN}.${key}.${nonce}`, count };
  }

  async #putInParts(key: string, data: Uint8Array, options: PutOptions): Promise<number> {
    for (let attempt = 1; ; attempt += 1) {
      // Always compared, so that of two writers at once one begins again instead of losing its parts to the other.
      const expected = options.expectedRevision ?? (await this.#lastRevision(key)) ?? 0;
      try {
        return await this.#tryPutInParts(key, data, expected, options.headers);
      } catch (error) {
        if (options.expectedRevision !== undefined || !(error instanceof PublishConflict)) throw error;
        if (attempt === MAX_ATTEMPTS)
          throw failure("CONFLICT", this.#subject, "changes faster than it can be written");
      }
    }
  }

  async #tryPutInParts(
    key: string,
    data: Uint8Array,
    expected: number,
    headers: PutOptions["headers"],
  ): Promise<number> {
    const partBytes = this.#partBytes;
    const place = this.#place(key, nuid.next(), partCount(data.length, partBytes));
    this.#remember(key);
    const first = await writeParts(this.#publisher, place, data, partBytes);
    const nonce = place.subject.slice(place.subject.lastIndexOf(".") + 1);
    const parts = `${nonce} ${place.count} ${data.length}`;
    try {
      const revision = await this.#publish(key, new Uint8Array(0), expected, {
        ...headers,
        [PARTS_HEADER]: parts,
      });
      await this.#remove(this.#partsOf(key), first);
      return revision;
    } catch (error) {
      // After any other failure the value may be there, and with it the parts.
      if (error instanceof PublishConflict) await this.#remove(this.#partsOf(key, nonce));
      throw error;
    }
  }

  async #publish(
    key: string,
    data: Uint8Array,
    expected: number | undefined,
    headers: PutOptions["headers"],
  ): Promise<number> {
    const options: PublishOptions = { expectedLastOfSubject: expected, headers };
    const { sequence } = await this.#publisher.publish(`${this.#subject}.${key}`, data, options);
    return sequence;
  }

  /** The value is stored whether this succeeds or not, so its failure is not one of the call; the next one removes what is left. */
  async #remove(subject: string, before?: number): Promise<boolean> {
    try {
      await purge(this.#link, this.#stream, subject, before);
      return true;
    } catch {
      return false;
    }
  }

  #remember(key: string): void {
    const oldest = this.#split.size < MAX_SPLIT_KEYS ? undefined : this.#split.values().next().value;
    if (oldest !== undefined) this.#split.delete(oldest);
    this.#split.add(key);
  }

  async #subjects(filter: string, offset: number): Promise<{ subjects: string[]; total: number }> {
    try {
      const info = await askJetStream<{ total?: number; state: { subjects?: Record<string, number> } }>(
        this.#link,
        `STREAM.INFO.${this.#stream}`,
        { subjects_filter: filter, offset },
      );
      return { subjects: Object.keys(info.state.subjects ?? {}), total: info.total ?? 0 };
    } catch (error) {
      throw error instanceof ApiError ? logUnavailable(apiFailure(error)) : error;
    }
  }
}

function checkKey(key: string): void {
  if (!KEY.test(key)) throw new TypeError("a key is dot-separated tokens of A-Z a-z 0-9 _ -");
}

function toValue(message: StoredMessage, data: Uint8Array): StoredValue {
  const { [PARTS_HEADER]: _parts, ...headers } = message.headers;
  return { data, revision: message.sequence, headers, timeMs: message.timeMs };
}

/** Keys stay out of the text: they may be made of what callers send. */
function failure(code: "DAMAGED" | "CONFLICT", subject: string, detail: string): Error {
  return logUnavailable(new NatsFailure(code, `a value under ${subject} ${detail}`));
}
