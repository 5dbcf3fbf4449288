import { crc32 } from "node:zlib";
import { ByteQueue } from "./byte-queue.ts";
import { FrameFieldReader } from "./frame-fields.ts";
import { readItem } from "./item-fields.ts";
import { cutOffTransfer, damagedTransfer, TransferError } from "./transfer-error.ts";
import {
  CHECK_BYTES,
  CHECKED_HEAD_BYTES,
  FRAME_HEAD_BYTES,
  FrameKind,
  MAGIC,
  MAX_BODY_BYTES,
  MAX_JSON_BYTES,
  NO_ITEMS,
  PREFIX_BYTES,
  TRANSFER_VERSION,
  type TransferCounts,
  type TransferHeader,
} from "./transfer-format.ts";
import { parseCounts, parseHeader } from "./transfer-header.ts";
import type { TransferItem } from "./transfer-items.ts";
import { COUNT_OF_ITEM } from "./write-transfer.ts";

interface Frame {
  readonly kind: FrameKind;
  readonly body: Buffer;
}

/**
 * Reads a transfer file, in memory that holds its largest item. Nothing that
 * has not passed its check is given out.
 */
export class TransferReader {
  readonly header: TransferHeader;
  readonly #frames: FrameReader;

  private constructor(header: TransferHeader, frames: FrameReader) {
    this.header = header;
    this.#frames = frames;
  }

  /** Reads up to the header. Rejects with TransferError, or as the source does. */
  static async open(source: AsyncIterator<Uint8Array>): Promise<TransferReader> {
    const frames = new FrameReader(source);
    await frames.readPrefix();
    const { kind, body } = await frames.next();
    if (kind !== FrameKind.HEADER) throw damagedTransfer("it does not begin with its header");
    return new TransferReader(parseHeader(body), frames);
  }

  /** Bytes read so far. */
  get bytes(): number {
    return this.#frames.bytes;
  }

  /** The items, some at a time, to the end of the file. Throws TransferError, also when items are missing at the end. */
  async *items(): AsyncGenerator<readonly TransferItem[]> {
    const counts: Record<keyof TransferCounts, number> = { ...NO_ITEMS };
    for (;;) {
      const { kind, body } = await this.#frames.next();
      if (kind === FrameKind.END) {
        await this.#finish(parseCounts(body), counts);
        return;
      }
      const items = readItems(kind, body);
      for (const item of items) counts[COUNT_OF_ITEM[item.kind]]++;
      yield items;
    }
  }

  async #finish(told: TransferCounts, counted: TransferCounts): Promise<void> {
    for (const name of Object.keys(NO_ITEMS) as (keyof TransferCounts)[])
      if (told[name] !== counted[name] || this.header.counts[name] !== counted[name])
        throw damagedTransfer(`it holds another number of ${name} than it tells`);
    if (!(await this.#frames.isAtEnd())) throw damagedTransfer("something follows its end");
  }
}

function readItems(kind: FrameKind, body: Buffer): TransferItem[] {
  const reader = new FrameFieldReader(body);
  const items: TransferItem[] = [];
  try {
    while (!reader.isAtEnd) items.push(readItem(kind, reader));
  } catch (error) {
    if (error instanceof RangeError) throw damagedTransfer(error.message, error);
    throw error;
  }
  return items;
}

/** Takes frames from the bytes and compares their checks. */
class FrameReader {
  readonly #queue: ByteQueue;
  #check = 0;

  constructor(source: AsyncIterator<Uint8Array>) {
    this.#queue = new ByteQueue(source);
  }

  get bytes(): number {
    return this.#queue.taken;
  }

  isAtEnd(): Promise<boolean> {
    return this.#queue.isAtEnd();
  }

  async readPrefix(): Promise<void> {
    const prefix = await this.#queue.take(PREFIX_BYTES);
    if (prefix === undefined || !prefix.subarray(0, MAGIC.length).equals(MAGIC)) throw notATransfer();
    const version = prefix.readUInt32LE(MAGIC.length);
    if (version !== TRANSFER_VERSION) throw otherVersion(version);
    this.#check = crc32(prefix, this.#check);
  }

  async next(): Promise<Frame> {
    const head = await this.#take(FRAME_HEAD_BYTES);
    this.#compare(head.subarray(0, CHECKED_HEAD_BYTES), head.readUInt32LE(CHECKED_HEAD_BYTES));
    const kind = head.readUInt8(0) as FrameKind;
    const length = head.readUInt32LE(1);
    const isJson = kind === FrameKind.HEADER || kind === FrameKind.END;
    if (length > (isJson ? MAX_JSON_BYTES : MAX_BODY_BYTES)) throw damagedTransfer("a frame is too large");
    const body = await this.#take(length + CHECK_BYTES);
    this.#compare(body.subarray(0, length), body.readUInt32LE(length));
    return { kind, body: body.subarray(0, length) };
  }

  async #take(count: number): Promise<Buffer> {
    const bytes = await this.#queue.take(count);
    if (bytes === undefined) throw cutOffTransfer(this.#queue.received);
    return bytes;
  }

  #compare(bytes: Buffer, check: number): void {
    this.#check = crc32(bytes, this.#check);
    if (this.#check !== check) throw damagedTransfer(`a check fails before byte ${this.#queue.taken}`);
  }
}

function notATransfer(): TransferError {
  const text = "this is no transfer file; make one with log export --format transfer, and give it as it is";
  return new TransferError("NOT_A_TRANSFER", text);
}

function otherVersion(version: number): TransferError {
  const text = `the transfer file is of version ${version}, and this program reads version ${TRANSFER_VERSION}; export and import with the same version of infobip-rpc`;
  return new TransferError("OTHER_VERSION", text);
}
