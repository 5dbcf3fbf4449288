import { type ByteReader, ByteWriter } from "./byte-buffer.ts";
import { type DeliveryFailure, UnsettledEvent } from "./unsettled-event.ts";

/** Most events of a block. */
const BLOCK_EVENTS = 256;
/** Two neighbours that hold fewer events together become one. */
const MERGED_EVENTS = 128;

/** Numbers of failures in the encoding; they never change. */
const FAILURES: readonly (DeliveryFailure | undefined)[] = [
  undefined,
  "NACK",
  "LEASE_EXPIRED",
  "CONNECTION_LOST",
];

interface Block {
  events: UnsettledEvent[];
  encoded: Uint8Array | undefined;
}

/**
 * Unsettled events by sequence, in blocks that remember their encoding: adding
 * or removing one event and encoding them all again costs about as much as
 * encoding one block, however many there are.
 */
export class UnsettledSet {
  readonly #redriven: boolean;
  #blocks: Block[] = [];
  #size = 0;

  /** Whether the events are delivered from the dead letters. */
  constructor(redriven: boolean) {
    this.#redriven = redriven;
  }

  get size(): number {
    return this.#size;
  }

  /** The event of the lowest sequence. */
  get first(): UnsettledEvent | undefined {
    return this.#blocks[0]?.events[0];
  }

  get(sequence: number): UnsettledEvent | undefined {
    const block = this.#blocks[this.#blockOf(sequence)];
    const event = block?.events[indexIn(block.events, sequence)];
    return event?.sequence === sequence ? event : undefined;
  }

  /** Adds an event whose sequence is not there yet. */
  add(event: UnsettledEvent): void {
    this.#size++;
    const at = this.#blockOf(event.sequence);
    const block = this.#blocks[at];
    if (block === undefined) {
      this.#blocks.push({ events: [event], encoded: undefined });
      return;
    }
    block.encoded = undefined;
    const index = indexIn(block.events, event.sequence);
    if (block.events.length < BLOCK_EVENTS) block.events.splice(index, 0, event);
    else if (index === BLOCK_EVENTS) this.#blocks.splice(at + 1, 0, { events: [event], encoded: undefined });
    else {
      const upper = block.events.splice(BLOCK_EVENTS / 2);
      this.#blocks.splice(at + 1, 0, { events: upper, encoded: undefined });
      const target = index <= block.events.length ? block.events : upper;
      target.splice(indexIn(target, event.sequence), 0, event);
    }
  }

  /** Removes an event that is there. */
  remove(event: UnsettledEvent): void {
    const at = this.#blockOf(event.sequence);
    const block = this.#blocks[at];
    if (block === undefined) return;
    const index = indexIn(block.events, event.sequence);
    if (block.events[index] !== event) return;
    this.#size--;
    block.encoded = undefined;
    block.events.splice(index, 1);
    if (block.events.length === 0) this.#blocks.splice(at, 1);
    else if (block.events.length < MERGED_EVENTS) this.#mergeWithNext(at);
  }

  /** To be called when attempts or delay of an event have changed. */
  touch(event: UnsettledEvent): void {
    const block = this.#blocks[this.#blockOf(event.sequence)];
    if (block !== undefined) block.encoded = undefined;
  }

  clear(): void {
    this.#blocks = [];
    this.#size = 0;
  }

  *[Symbol.iterator](): Generator<UnsettledEvent> {
    for (const block of this.#blocks) yield* block.events;
  }

  /** Number of blocks, then the blocks. */
  encode(writer: ByteWriter): void {
    writer.varint(this.#blocks.length);
    for (const block of this.#blocks) {
      block.encoded ??= encodeBlock(block.events);
      writer.raw(block.encoded);
    }
  }

  /** Adds the events that {@link encode} wrote, without their keys. */
  decode(reader: ByteReader): void {
    for (let blocks = reader.varint(); blocks > 0; blocks--) {
      for (const event of decodeBlock(reader, this.#redriven)) this.add(event);
    }
  }

  /** Index of the last block that begins at or before a sequence; 0 when none does. */
  #blockOf(sequence: number): number {
    let low = 0;
    let high = this.#blocks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#blocks[middle]?.events[0]?.sequence ?? 0) <= sequence) low = middle + 1;
      else high = middle;
    }
    return low === 0 ? 0 : low - 1;
  }

  #mergeWithNext(at: number): void {
    const block = this.#blocks[at];
    const next = this.#blocks[at + 1];
    if (block === undefined || next === undefined) return;
    if (block.events.length + next.events.length > MERGED_EVENTS) return;
    for (const event of next.events) block.events.push(event);
    this.#blocks.splice(at + 1, 1);
  }
}

/** Index of the first event at or after a sequence. */
function indexIn(events: readonly UnsettledEvent[], sequence: number): number {
  const last = events[events.length - 1];
  if (last === undefined || last.sequence < sequence) return events.length;
  let low = 0;
  let high = events.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((events[middle]?.sequence ?? 0) < sequence) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * First sequence; number of runs, then of each run the distance from the end
 * of the one before and its length; number of failed events, then of each its
 * distance from the first sequence, attempts, failure and delay.
 */
function encodeBlock(events: readonly UnsettledEvent[]): Uint8Array {
  const writer = new ByteWriter();
  const base = events[0]?.sequence ?? 0;
  writer.varint(base);
  const runs: number[] = [];
  const failed: UnsettledEvent[] = [];
  let end = base;
  let start = base;
  for (const event of events) {
    if (event.attempts > 0) failed.push(event);
    if (event.sequence !== end) {
      runs.push(end - start, event.sequence - end);
      start = event.sequence;
    }
    end = event.sequence + 1;
  }
  runs.push(end - start);
  writer.varint(runs.length);
  for (const length of runs) writer.varint(length);
  writer.varint(failed.length);
  for (const event of failed) encodeFailed(writer, base, event);
  return writer.finish();
}

function encodeFailed(writer: ByteWriter, base: number, event: UnsettledEvent): void {
  writer.varint(event.sequence - base);
  writer.varint(event.attempts);
  writer.varint(FAILURES.indexOf(event.failure) * 2 + (event.doomed ? 1 : 0));
  writer.varint(event.notBeforeMs);
}

function decodeBlock(reader: ByteReader, redriven: boolean): UnsettledEvent[] {
  const base = reader.varint();
  const events: UnsettledEvent[] = [];
  let at = base;
  // Runs of unsettled events and of others take turns.
  for (let left = reader.varint(), inRun = true; left > 0; left--, inRun = !inRun) {
    const end = at + reader.varint();
    if (inRun) for (; at < end; at++) events.push(new UnsettledEvent(at, redriven, undefined));
    at = end;
  }
  for (let left = reader.varint(); left > 0; left--) decodeFailed(reader, base, events);
  return events;
}

function decodeFailed(reader: ByteReader, base: number, events: readonly UnsettledEvent[]): void {
  const sequence = base + reader.varint();
  const event = events[indexIn(events, sequence)];
  if (event?.sequence !== sequence) throw new RangeError("the stored state of a subscription is damaged");
  event.attempts = reader.varint();
  const failure = reader.varint();
  event.failure = FAILURES[Math.floor(failure / 2)];
  event.doomed = failure % 2 === 1;
  event.notBeforeMs = reader.varint();
}
