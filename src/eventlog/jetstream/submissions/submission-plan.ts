import type { NewEvent } from "../../event-log.ts";
import type { SubmissionCommit, SubmissionRecord } from "../../submission-store.ts";
import { packEvents } from "./event-batch.ts";
import type { OutboxSubjects } from "./outbox-subjects.ts";
import { type BlobRef, encodeRecord, isRef, type Slot } from "./submission-message.ts";

/** A larger request stands in messages of its own: it is written once, and not again with each change of state. */
const INLINE_REQUEST_BYTES = 2 * 1024;
/** What else is larger than this does so too. */
const INLINE_BYTES = 64 * 1024;
/** Most bytes of such a message. */
const PART_BYTES = 512 * 1024;
/** Room for headers and subject in a message. */
const MESSAGE_OVERHEAD_BYTES = 4 * 1024;
/** Share of the largest message that one part of a record may take up within it. */
const INLINE_SHARE = 1 / 8;

/** Bounds of what stands in one message. */
export interface MessageSizes {
  readonly inlineBytes: number;
  readonly partBytes: number;
}

/** Bounds for a server that takes messages up to `maxPayload` bytes. */
export function messageSizes(maxPayload: number): MessageSizes {
  return {
    inlineBytes: Math.min(INLINE_BYTES, Math.floor(maxPayload * INLINE_SHARE)),
    partBytes: Math.min(PART_BYTES, maxPayload - MESSAGE_OVERHEAD_BYTES),
  };
}

const NONE = new Uint8Array();

/** A message on its way into the stream. */
export interface PlannedMessage {
  readonly subject: string;
  readonly payload: Uint8Array;
  /** What is stored once this message and all before it are. */
  readonly stores?: StoredChange;
}

/** What a record's message brings. */
export interface StoredChange {
  readonly record: SubmissionRecord;
  readonly events: readonly NewEvent[];
  readonly refs: RecordRefs;
}

/** Where a record has bytes in messages of their own. */
export interface RecordRefs {
  readonly request: BlobRef | undefined;
  readonly outcome: BlobRef | undefined;
  readonly events: BlobRef | undefined;
}

/** What the planner asks about a record as it is stored now. */
export interface StoredRefs {
  readonly refs: RecordRefs;
  readonly request: Uint8Array;
}

/**
 * Turns a commit into messages for the sequences after `base`. A part is never
 * overwritten: what an earlier message of a record refers to stays as it was,
 * so a crash between two messages leaves each record whole, as it was or as it is to be.
 */
export class SubmissionPlan {
  readonly messages: PlannedMessage[] = [];
  readonly #subjects: OutboxSubjects;
  readonly #base: number;
  readonly #sizes: MessageSizes;

  constructor(subjects: OutboxSubjects, base: number, sizes: MessageSizes) {
    this.#subjects = subjects;
    this.#base = base;
    this.#sizes = sizes;
  }

  /** Adds a record, with the events that tell of it. */
  add(record: SubmissionRecord, events: readonly NewEvent[], stored: StoredRefs | undefined): void {
    const request = this.#requestSlot(record.request, stored);
    const outcome = this.#slot(record.outcome, this.#sizes.inlineBytes);
    const packed = this.#slot(packEvents(events), this.#sizes.inlineBytes);
    const refs = { request: refOf(request), outcome: refOf(outcome), events: refOf(packed) };
    this.messages.push({
      subject: this.#subjects.record(record.number),
      payload: encodeRecord({ appendedTo: this.#base, record, request, outcome, events: packed }),
      stores: { record, events, refs },
    });
  }

  /** Adds a message as it is. */
  addMessage(subject: string, payload: Uint8Array): void {
    this.messages.push({ subject, payload });
  }

  #requestSlot(request: Uint8Array, stored: StoredRefs | undefined): Slot {
    const ref = stored?.refs.request;
    if (ref !== undefined && Buffer.compare(stored?.request ?? NONE, request) === 0) return ref;
    return this.#slot(request, Math.min(INLINE_REQUEST_BYTES, this.#sizes.inlineBytes));
  }

  #slot(bytes: Uint8Array, inlineBytes: number): Slot {
    if (bytes.length <= inlineBytes) return bytes;
    const { partBytes } = this.#sizes;
    const first = this.#base + this.messages.length + 1;
    for (let at = 0; at < bytes.length; at += partBytes) {
      const subject = this.#subjects.part(this.#base + this.messages.length + 1);
      this.messages.push({ subject, payload: bytes.subarray(at, at + partBytes) });
    }
    return { first, parts: Math.ceil(bytes.length / partBytes) };
  }
}

/** The events of each record of a commit, by its place; what tells of none goes with the last one. */
export function eventsByPlace({ records, events, eventNumbers }: SubmissionCommit): NewEvent[][] {
  const byPlace: NewEvent[][] = records.map(() => []);
  if (byPlace.length === 0) return byPlace;
  const places = new Map(records.map(({ number }, place) => [number, place]));
  const last = byPlace.length - 1;
  for (const [index, event] of events.entries()) {
    const number = eventNumbers?.[index];
    const place = number === undefined ? last : (places.get(number) ?? last);
    byPlace[place]?.push(event);
  }
  return byPlace;
}

/** Whether a record has bytes elsewhere. */
export function hasRefs({ request, outcome, events }: RecordRefs): boolean {
  return request !== undefined || outcome !== undefined || events !== undefined;
}

/** Sequences of the messages that hold a record's bytes. */
export function sequencesOf({ request, outcome, events }: RecordRefs): number[] {
  return [request, outcome, events].flatMap((ref) =>
    ref === undefined ? [] : Array.from({ length: ref.parts }, (_, n) => ref.first + n),
  );
}

function refOf(slot: Slot): BlobRef | undefined {
  return isRef(slot) ? slot : undefined;
}
