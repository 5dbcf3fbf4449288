import { isOneEvent } from "../embedded/batch-buffer.ts";
import type { SubmissionRecord } from "../submission-store.ts";
import type { FrameFieldReader, FrameFieldWriter } from "./frame-fields.ts";
import { FrameKind } from "./transfer-format.ts";
import type { TransferItem, TransferredDeadLetter, TransferredEvent } from "./transfer-items.ts";

/** Kind of the frames that hold items of a kind. */
export const FRAME_OF_ITEM: Readonly<Record<TransferItem["kind"], FrameKind>> = {
  event: FrameKind.EVENTS,
  subscription: FrameKind.SUBSCRIPTIONS,
  deadLetter: FrameKind.DEAD_LETTERS,
  submission: FrameKind.SUBMISSIONS,
  answer: FrameKind.ANSWERS,
};

/** Writes one item. */
export function writeItem(writer: FrameFieldWriter, item: TransferItem): void {
  switch (item.kind) {
    case "event":
      writeEvent(writer, item);
      break;
    case "subscription":
      writer.text(item.id);
      writer.bytes(item.state);
      break;
    case "deadLetter":
      writer.text(item.subscriptionId);
      writeEvent(writer, item);
      writer.number(item.attempts);
      writer.number(item.deadTimeMs);
      writer.text(item.failure);
      writer.number(item.redriven ? 1 : 0);
      break;
    case "submission":
      writeSubmission(writer, item.record);
      break;
    default:
      writer.text(item.requestId);
      writer.number(item.saveTimeMs);
      writer.bytes(item.payloadHash);
      writer.bytes(item.response);
  }
}

/** Reads one item of a frame. @throws RangeError when the bytes are none */
export function readItem(kind: FrameKind, reader: FrameFieldReader): TransferItem {
  switch (kind) {
    case FrameKind.EVENTS:
      return { kind: "event", ...readEvent(reader) };
    case FrameKind.SUBSCRIPTIONS:
      return { kind: "subscription", id: reader.text(), state: reader.bytes() };
    case FrameKind.DEAD_LETTERS:
      return readDeadLetter(reader);
    case FrameKind.SUBMISSIONS:
      return { kind: "submission", record: readSubmission(reader) };
    case FrameKind.ANSWERS:
      return {
        kind: "answer",
        requestId: reader.text(),
        saveTimeMs: reader.number(),
        payloadHash: reader.bytes(),
        response: reader.bytes(),
      };
    default:
      throw new RangeError("a frame is of no known kind");
  }
}

function writeEvent(writer: FrameFieldWriter, event: Omit<TransferredEvent, "kind">): void {
  writer.number(event.sequence);
  writer.number(event.recordTimeMs);
  writer.bytes(event.packed);
}

function readEvent(reader: FrameFieldReader): Omit<TransferredEvent, "kind"> {
  return {
    sequence: reader.count(),
    recordTimeMs: reader.count(),
    packed: readPacked(reader),
  };
}

function readPacked(reader: FrameFieldReader): Uint8Array {
  const packed = reader.bytes();
  if (!isOneEvent(packed)) throw new RangeError("an event is none");
  return packed;
}

function readDeadLetter(reader: FrameFieldReader): TransferredDeadLetter {
  return {
    kind: "deadLetter",
    subscriptionId: reader.text(),
    ...readEvent(reader),
    attempts: reader.count(),
    deadTimeMs: reader.count(),
    failure: reader.text() as TransferredDeadLetter["failure"],
    redriven: reader.count() === 1,
  };
}

function writeSubmission(writer: FrameFieldWriter, record: SubmissionRecord): void {
  writer.number(record.number);
  writer.text(record.id);
  writer.number(record.state);
  writer.number(record.policy);
  writer.number(record.createTimeMs);
  writer.number(record.updateTimeMs);
  writer.number(record.sendAfterMs);
  writer.number(record.expireAfterMs);
  writer.number(record.dueTimeMs);
  writer.number(record.attempts);
  writer.number(record.destinations);
  writer.bytes(record.payloadHash);
  writer.bytes(record.request);
  writer.bytes(record.outcome);
}

function readSubmission(reader: FrameFieldReader): SubmissionRecord {
  return {
    number: reader.count(),
    id: reader.text(),
    state: reader.count(),
    policy: reader.count(),
    createTimeMs: reader.number(),
    updateTimeMs: reader.number(),
    sendAfterMs: reader.number(),
    expireAfterMs: reader.number(),
    dueTimeMs: reader.number(),
    attempts: reader.count(),
    destinations: reader.count(),
    payloadHash: reader.bytes(),
    request: reader.bytes(),
    outcome: reader.bytes(),
  };
}
