import { crc32 } from "node:zlib";
import { FrameFieldWriter } from "./frame-fields.ts";
import { FRAME_OF_ITEM, writeItem } from "./item-fields.ts";
import {
  CHECK_BYTES,
  CHECKED_HEAD_BYTES,
  FRAME_BYTES,
  FRAME_HEAD_BYTES,
  FrameKind,
  MAGIC,
  NO_ITEMS,
  PREFIX_BYTES,
  TRANSFER_VERSION,
  type TransferCounts,
  type TransferHeader,
} from "./transfer-format.ts";
import type { TransferItem } from "./transfer-items.ts";

/** Name under which items of a kind are counted. */
export const COUNT_OF_ITEM: Readonly<Record<TransferItem["kind"], keyof TransferCounts>> = {
  event: "events",
  subscription: "subscriptions",
  deadLetter: "deadLetters",
  submission: "submissions",
  answer: "answers",
};

/** A piece of a transfer file. */
export interface TransferPiece {
  /** Good until the next piece is asked for. */
  readonly bytes: Uint8Array;
  /** Items that were written up to here. */
  readonly counts: TransferCounts;
}

/**
 * Makes a transfer file, piece by piece, in memory that does not grow with the
 * log. Nothing but the last piece makes the file whole.
 */
export function* writeTransfer(
  header: TransferHeader,
  items: Iterable<TransferItem>,
): Generator<TransferPiece> {
  const counts: Record<keyof TransferCounts, number> = { ...NO_ITEMS };
  const frames = new FrameMaker();
  const fields = new FrameFieldWriter();
  yield { bytes: frames.prefix(), counts };
  yield { bytes: frames.frame(FrameKind.HEADER, Buffer.from(JSON.stringify(header))), counts };
  let kind: FrameKind = FrameKind.EVENTS;
  for (const item of items) {
    const next = FRAME_OF_ITEM[item.kind];
    if (fields.length > 0 && (next !== kind || fields.length >= FRAME_BYTES))
      yield { bytes: frames.frame(kind, fields.take()), counts };
    kind = next;
    writeItem(fields, item);
    counts[COUNT_OF_ITEM[item.kind]]++;
  }
  if (fields.length > 0) yield { bytes: frames.frame(kind, fields.take()), counts };
  yield { bytes: frames.frame(FrameKind.END, Buffer.from(JSON.stringify(counts))), counts };
}

/** Puts the checks around bodies. */
class FrameMaker {
  #check = 0;

  prefix(): Uint8Array {
    const bytes = Buffer.alloc(PREFIX_BYTES);
    MAGIC.copy(bytes);
    bytes.writeUInt32LE(TRANSFER_VERSION, MAGIC.length);
    this.#check = crc32(bytes, this.#check);
    return bytes;
  }

  frame(kind: FrameKind, body: Uint8Array): Uint8Array {
    const bytes = Buffer.allocUnsafe(FRAME_HEAD_BYTES + body.length + CHECK_BYTES);
    bytes.writeUInt8(kind, 0);
    bytes.writeUInt32LE(body.length, 1);
    this.#check = crc32(bytes.subarray(0, CHECKED_HEAD_BYTES), this.#check);
    bytes.writeUInt32LE(this.#check, CHECKED_HEAD_BYTES);
    bytes.set(body, FRAME_HEAD_BYTES);
    this.#check = crc32(body, this.#check);
    bytes.writeUInt32LE(this.#check, FRAME_HEAD_BYTES + body.length);
    return bytes;
  }
}
