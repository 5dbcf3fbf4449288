import {
  FieldPacker,
  FieldReader,
  NUMBER_BYTES,
  packedBytesLength,
  packedTextLength,
} from "../../embedded/packed-fields.ts";
import type { SubmissionRecord } from "../../submission-store.ts";
import { UnreadableMessage } from "../store-errors.ts";

/** Version of the messages. */
const FORMAT = 1;
/** Numbers of a packed record, with those in front of it. */
const RECORD_NUMBERS = 12;
/** Numbers of a slot. */
const SLOT_NUMBERS = 2;
const SLOTS = 3;
const NONE = new Uint8Array();

/** Bytes that stand in messages of their own, at sequences that follow each other. */
export interface BlobRef {
  readonly first: number;
  readonly parts: number;
}

/** Bytes of a record: in its message, or elsewhere in the stream. */
export type Slot = Uint8Array | BlobRef;

/** A record as its message holds it. */
export interface RecordMessage {
  /** Events of messages up to this sequence are in the log. */
  readonly appendedTo: number;
  readonly record: Omit<SubmissionRecord, "request" | "outcome">;
  readonly request: Slot;
  readonly outcome: Slot;
  /** Events that tell of the change, packed. */
  readonly events: Slot;
}

/** Encodes a record; its `request` and `outcome` are not looked at. */
export function encodeRecord({ appendedTo, record, request, outcome, events }: RecordMessage): Uint8Array {
  const slots = [request, outcome, events];
  const packer = new FieldPacker(
    (RECORD_NUMBERS + SLOTS * SLOT_NUMBERS) * NUMBER_BYTES +
      packedTextLength(record.id) +
      packedBytesLength(record.payloadHash) +
      slots.reduce((sum, slot) => sum + packedBytesLength(inlineOf(slot)), 0),
  );
  packer.number(FORMAT);
  packer.number(appendedTo);
  packer.number(record.number);
  packer.number(record.state);
  packer.number(record.policy);
  packer.number(Math.trunc(record.createTimeMs));
  packer.number(Math.trunc(record.updateTimeMs));
  packer.number(Math.trunc(record.sendAfterMs));
  packer.number(Math.trunc(record.expireAfterMs));
  packer.number(Math.trunc(record.dueTimeMs));
  packer.number(record.attempts);
  packer.number(record.destinations);
  packer.text(record.id);
  packer.bytes(record.payloadHash);
  for (const slot of slots) packSlot(packer, slot);
  return packer.written;
}

/** @throws UnreadableMessage, RangeError when it is no record of a known format */
export function decodeRecord(message: Uint8Array): RecordMessage {
  const reader = new FieldReader(message);
  requireFormat(reader);
  const appendedTo = reader.number();
  const record = {
    number: reader.number(),
    state: reader.number(),
    policy: reader.number(),
    createTimeMs: reader.number(),
    updateTimeMs: reader.number(),
    sendAfterMs: reader.number(),
    expireAfterMs: reader.number(),
    dueTimeMs: reader.number(),
    attempts: reader.number(),
    destinations: reader.number(),
    id: reader.text(),
    payloadHash: reader.bytes(),
  };
  return {
    appendedTo,
    record,
    request: readSlot(reader),
    outcome: readSlot(reader),
    events: readSlot(reader),
  };
}

/** Tells who writes the stream, and what must outlive records that are removed. */
export interface EpochMessage {
  /** Of one holder of the store, from when it opens the store until it closes it. */
  readonly writer: string;
  readonly appendedTo: number;
  /** Highest number ever given. */
  readonly lastNumber: number;
  /** Messages that the writer published before this one are stored up to this sequence, and none after it; 0: not told. */
  readonly storedTo: number;
}

/** Encodes an epoch. */
export function encodeEpoch({ writer, appendedTo, lastNumber, storedTo }: EpochMessage): Uint8Array {
  const packer = new FieldPacker(4 * NUMBER_BYTES + packedTextLength(writer));
  packer.number(FORMAT);
  packer.number(appendedTo);
  packer.number(lastNumber);
  packer.number(storedTo);
  packer.text(writer);
  return packer.written;
}

/** @throws UnreadableMessage, RangeError when it is no epoch of a known format */
export function decodeEpoch(message: Uint8Array): EpochMessage {
  const reader = new FieldReader(message);
  requireFormat(reader);
  return {
    appendedTo: reader.number(),
    lastNumber: reader.number(),
    storedTo: reader.number(),
    writer: reader.text(),
  };
}

/** Whether bytes stand elsewhere. */
export function isRef(slot: Slot): slot is BlobRef {
  return "parts" in slot;
}

function requireFormat(reader: FieldReader): void {
  const format = reader.number();
  if (format !== FORMAT)
    throw new UnreadableMessage(`a submission's message has the unknown format ${format}`);
}

function inlineOf(slot: Slot): Uint8Array {
  return isRef(slot) ? NONE : slot;
}

function packSlot(packer: FieldPacker, slot: Slot): void {
  packer.number(isRef(slot) ? slot.first : 0);
  packer.number(isRef(slot) ? slot.parts : 0);
  packer.bytes(inlineOf(slot));
}

function readSlot(reader: FieldReader): Slot {
  const [first, parts, inline] = [reader.number(), reader.number(), reader.bytes()];
  return parts === 0 ? inline : { first, parts };
}
