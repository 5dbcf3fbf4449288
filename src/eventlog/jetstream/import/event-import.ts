import { type PublishAck, PublishConflict, type Publisher } from "../../../nats/publisher.ts";
import type { TransferredEvent } from "../../transfer/transfer-items.ts";
import { EVENT, EVENT_HEAD_BYTES } from "../message-format.ts";
import { ImportError } from "./import-error.ts";
import { targetWritten } from "./import-subject.ts";

/** Bytes that go out together. */
const BATCH_BYTES = 64 * 1024;
/** Bytes that are published and not acknowledged; at most half of what the publisher takes. */
const MAX_UNACKED_BYTES = 2 * 1024 * 1024;
/** What a message counts for beside its payload. */
const MESSAGE_OVERHEAD_BYTES = 512;
/** Room for headers in a message. */
const HEADER_ROOM_BYTES = 256;

/** What an {@link EventImport} works with. */
export interface EventImportParts {
  readonly publisher: Publisher;
  /** Most bytes that the publisher takes. */
  readonly maxInFlightBytes: number;
  /** Most bytes of a message. */
  readonly maxPayload: number;
  /** Subject that nothing but imports publishes to. */
  readonly subject: string;
  /** Position up to which the stream holds the log already. */
  readonly lastSequence: number;
  /** Payload that the stream has at a sequence; undefined when it is gone. */
  readonly messageAt: (sequence: number) => Promise<Buffer | undefined>;
}

interface Batch {
  readonly bytes: number;
  readonly acknowledged: Promise<unknown>;
}

/**
 * Writes events into the stream, each with the sequence that it had: a message
 * is taken only at its place, directly behind the one before it. They have no
 * message id: the log has no repeats, and the server would have to remember
 * them all.
 */
export class EventImport {
  readonly #parts: EventImportParts;
  readonly #maxUnackedBytes: number;
  readonly #batches: Batch[] = [];
  #unackedBytes = 0;
  #imported = 0;
  #present = 0;

  constructor(parts: EventImportParts) {
    this.#parts = parts;
    this.#maxUnackedBytes = Math.min(MAX_UNACKED_BYTES, parts.maxInFlightBytes / 2);
  }

  /** Events published by this. */
  get imported(): number {
    return this.#imported;
  }

  /** Events that were there before. */
  get present(): number {
    return this.#present;
  }

  /**
   * Publishes events in order, behind those before; resolves when there is room for more. Rejects with ImportError,
   * or with ServiceError LOG_UNAVAILABLE; then nothing more may be added.
   */
  async add(events: readonly TransferredEvent[]): Promise<void> {
    let acks: Promise<PublishAck>[] = [];
    let bytes = 0;
    for (const event of events) {
      if (event.sequence <= this.#parts.lastSequence) {
        await this.#skip(event);
        continue;
      }
      const payload = payloadOf(event);
      if (payload.length + HEADER_ROOM_BYTES > this.#parts.maxPayload) {
        await this.#send(acks, bytes);
        throw tooLarge(event.sequence, payload.length, this.#parts.maxPayload);
      }
      acks.push(this.#publish(event.sequence, payload));
      bytes += payload.length + MESSAGE_OVERHEAD_BYTES;
      if (bytes < BATCH_BYTES) continue;
      await this.#send(acks, bytes);
      acks = [];
      bytes = 0;
    }
    await this.#send(acks, bytes);
  }

  /** Resolves when all events are stored. Rejects as {@link add} does. */
  async finish(): Promise<void> {
    await this.#waitBelow(0);
  }

  /** Of what is there only the last one is looked at: what is there at its place is of a log with the same id. */
  async #skip(event: TransferredEvent): Promise<void> {
    const { lastSequence, messageAt } = this.#parts;
    this.#present++;
    if (event.sequence !== lastSequence) return;
    const stored = await messageAt(lastSequence);
    if (stored !== undefined && !stored.equals(payloadOf(event))) throw targetWritten();
  }

  async #send(acks: readonly Promise<PublishAck>[], bytes: number): Promise<void> {
    const acknowledged = Promise.all(acks);
    // Whoever waits for it next is told; until then nobody may.
    acknowledged.catch(() => undefined);
    this.#batches.push({ bytes, acknowledged });
    this.#unackedBytes += bytes;
    await this.#waitBelow(this.#maxUnackedBytes);
  }

  async #waitBelow(bytes: number): Promise<void> {
    while (this.#unackedBytes > bytes || (bytes === 0 && this.#batches.length > 0)) {
      const batch = this.#batches[0];
      if (batch === undefined) return;
      await batch.acknowledged;
      this.#batches.shift();
      this.#unackedBytes -= batch.bytes;
    }
  }

  async #publish(sequence: number, payload: Uint8Array): Promise<PublishAck> {
    const { publisher, subject } = this.#parts;
    try {
      const ack = await publisher.publish(subject, payload, { expectedLast: sequence - 1 });
      if (ack.sequence !== sequence) throw targetWritten();
      this.#imported++;
      return ack;
    } catch (error) {
      throw error instanceof PublishConflict ? targetWritten(error) : error;
    }
  }
}

function payloadOf({ recordTimeMs, packed }: TransferredEvent): Buffer {
  const payload = Buffer.allocUnsafe(EVENT_HEAD_BYTES + packed.length);
  payload[0] = EVENT;
  payload.writeDoubleLE(recordTimeMs, 1);
  payload.set(packed, EVENT_HEAD_BYTES);
  return payload;
}

function tooLarge(sequence: number, bytes: number, maxPayload: number): ImportError {
  const text = `event ${sequence} takes a message of ${bytes} bytes, and the server takes ${maxPayload}; raise max_payload in its configuration (64MB at most), reload it, and run the same import again: it goes on here`;
  return new ImportError("EVENT_TOO_LARGE", text);
}
