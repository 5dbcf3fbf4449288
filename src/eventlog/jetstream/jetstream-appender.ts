import { Code } from "@connectrpc/connect";
import { ServiceError } from "../../errors.ts";
import type { PublishAck, Publisher } from "../../nats/publisher.ts";
import { packedLength } from "../embedded/batch-buffer.ts";
import { logOverloaded } from "../embedded/log-errors.ts";
import type { AppendResult, NewEvent } from "../event-log.ts";
import { type EncodedEvent, encodeEvents, NOTHING_PAYLOAD } from "./event-message.ts";
import { cutEvent, encodePartedEvent } from "./parted-event.ts";

/** Most events that are on their way to the stream. */
export const MAX_EVENTS_IN_FLIGHT = 50_000;
/** Most bytes of events that are on their way to the stream. */
export const MAX_BYTES_IN_FLIGHT = 64 * 1024 * 1024;
/**
 * Most round trips of one append that wait for each other. Events of one message beyond that go out with the last of
 * them, in their order: a webhook that is full of one message must still be answered in time.
 */
export const MAX_TURNS = 64;
/** Bytes of a message that are left to its headers. */
const HEADER_ROOM_BYTES = 512;

/** What a {@link JetStreamAppender} works with. */
export interface JetStreamAppenderParts {
  readonly publisher: Publisher;
  /** Subject of events. */
  readonly subject: string;
  /** Parts go to `<partSubject>.<content>.<number>`. */
  readonly partSubject: string;
  /** Most bytes of a message, headers included; asked for each append. */
  readonly maxMessageBytes: () => number;
}

/** What has become of a batch. */
export interface StreamAppendResult extends AppendResult {
  /** Highest sequence of the batch's events in the stream. */
  readonly lastSequence: number;
}

/** Puts events into the stream, one message each. */
export class JetStreamAppender {
  readonly #parts: JetStreamAppenderParts;
  #events = 0;
  #bytes = 0;
  #idle: PromiseWithResolvers<void> | undefined;

  constructor(parts: JetStreamAppenderParts) {
    this.#parts = parts;
  }

  /**
   * Appends events, those of one message in their order; resolves once the stream has acknowledged all of them.
   * `recordTimesMs`: one for each event, Unix milliseconds; without them the server's time counts.
   *
   * Rejects with ServiceError LOG_UNAVAILABLE or OVERLOADED when one was not acknowledged, and REQUEST_TOO_LARGE
   * for an event that does not fit. Others of the batch may then be in the stream, and stay: a repeat of the batch
   * adds what is missing.
   */
  async append(events: readonly NewEvent[], recordTimesMs?: readonly number[]): Promise<StreamAppendResult> {
    const bytes = packedLength(events);
    if (this.#events + events.length > MAX_EVENTS_IN_FLIGHT || this.#bytes + bytes > MAX_BYTES_IN_FLIGHT)
      throw logOverloaded();
    this.#take(events.length, bytes);
    try {
      return await this.#append(encodeEvents(events, recordTimesMs), turnsOf(events));
    } finally {
      this.#take(-events.length, -bytes);
    }
  }

  /** Puts a message without an event into the stream, to see whether it takes any. */
  async probe(): Promise<void> {
    await this.#parts.publisher.publish(this.#parts.subject, NOTHING_PAYLOAD);
  }

  /** Resolves when nothing is on its way. */
  async idle(): Promise<void> {
    if (this.#events === 0) return;
    this.#idle ??= Promise.withResolvers();
    await this.#idle.promise;
  }

  #take(events: number, bytes: number): void {
    this.#events += events;
    this.#bytes += bytes;
    if (this.#events > 0) return;
    this.#idle?.resolve();
    this.#idle = undefined;
  }

  async #append(events: EncodedEvent[], turns: Turns | undefined): Promise<StreamAppendResult> {
    const { publisher, subject, maxMessageBytes } = this.#parts;
    const limit = maxMessageBytes() - HEADER_ROOM_BYTES;
    // Parts go first, so that the events themselves then go without a break.
    for (const [n, event] of events.entries())
      if (event.payload.length > limit) events[n] = await this.#putParts(event, limit);
    const publish = (event: EncodedEvent) => publisher.publish(subject, event.payload, event);
    if (turns === undefined) return count(acknowledged(await Promise.allSettled(events.map(publish))));
    const acks: PublishAck[] = [];
    // While a cluster chooses another leader it can lose one message and take the next: a message's later event waits.
    for (const turn of turns) {
      const now = turn.map((n) => publish(events[n] as EncodedEvent));
      acks.push(...acknowledged(await Promise.allSettled(now)));
    }
    return count(acks);
  }

  /** Stores an event's parts; returns the event that stands for them. */
  async #putParts({ id, payload }: EncodedEvent, limit: number): Promise<EncodedEvent> {
    const cut = cutEvent(payload, limit);
    if (cut === undefined) throw tooLarge(payload.length);
    const sequences: number[] = [];
    // One after the other: they are large and rare, and must not take the room of everything else.
    for (const [n, part] of cut.parts.entries()) {
      const id = `${cut.contentId}.${n}`;
      const { sequence } = await this.#parts.publisher.publish(`${this.#parts.partSubject}.${id}`, part, {
        id,
      });
      sequences.push(sequence);
    }
    return { id, payload: encodePartedEvent(payload, cut.contentId, sequences) };
  }
}

/** Places of the events that go out together, one list after the other. */
type Turns = readonly (readonly number[])[];

/** Every event's turn is how many events of its message come before it; undefined when no message has two. */
function turnsOf(events: readonly NewEvent[]): Turns | undefined {
  const seen = new Map<string, number>();
  const turns: number[][] = [[]];
  for (const [n, { columns }] of events.entries()) {
    const { messageId } = columns;
    const before = messageId === "" ? 0 : (seen.get(messageId) ?? 0);
    if (messageId !== "") seen.set(messageId, before + 1);
    const turn = Math.min(before, MAX_TURNS - 1);
    turns[turn] ??= [];
    turns[turn].push(n);
  }
  return turns.length > 1 ? turns : undefined;
}

/** Throws the first error. */
function acknowledged(acks: readonly PromiseSettledResult<PublishAck>[]): PublishAck[] {
  return acks.map((ack) => {
    if (ack.status === "rejected") throw ack.reason;
    return ack.value;
  });
}

function count(acks: readonly PublishAck[]): StreamAppendResult {
  let duplicates = 0;
  let lastSequence = 0;
  for (const { isDuplicate, sequence } of acks) {
    if (isDuplicate) duplicates++;
    lastSequence = Math.max(lastSequence, sequence);
  }
  return { appended: acks.length - duplicates, duplicates, lastSequence };
}

function tooLarge(bytes: number): ServiceError {
  return new ServiceError(
    Code.ResourceExhausted,
    "REQUEST_TOO_LARGE",
    `an event of ${bytes} bytes is larger than the event log takes; lower webhook.max_body_bytes, or raise max_payload of the NATS server`,
  );
}
