import { CursorEncoder } from "../../cursor.ts";
import type { EventLog, EventRecord, ReadOptions, ReadResult } from "../../event-log.ts";
import {
  assembleEvent,
  COMMIT_FIELDS_MAX_BYTES,
  writeRecordTime,
  writeSuperseded,
} from "../../stored-event.ts";
import { unpackOne } from "../../transfer/packed-event.ts";
import type { TransferredDeadLetter } from "../../transfer/transfer-items.ts";

/**
 * A log of nothing but the events of some dead letters, which a store of
 * subscriptions copies them out of: retention may have removed them from the
 * log itself long ago.
 */
export class TransferredLetters implements Pick<EventLog, "bounds" | "read"> {
  readonly #cursors: CursorEncoder;
  #letters = new Map<number, TransferredDeadLetter>();

  /** `logId` is that of the log that the letters come from. */
  constructor(logId: string) {
    this.#cursors = new CursorEncoder(logId);
  }

  /** Takes letters in place of those before. */
  set(letters: readonly TransferredDeadLetter[]): void {
    this.#letters = new Map(letters.map((letter) => [letter.sequence, letter]));
  }

  bounds(): { earliest: number; head: number } {
    return { earliest: 0, head: Number.MAX_SAFE_INTEGER };
  }

  /** Reads the event behind a position, if it is one of them. */
  async read(after: number, { includeRaw }: ReadOptions): Promise<ReadResult> {
    const letter = this.#letters.get(after + 1);
    return { records: letter === undefined ? [] : [this.#record(letter, includeRaw)], examinedTo: after + 1 };
  }

  #record(letter: TransferredDeadLetter, includeRaw: boolean): EventRecord {
    const { sequence, recordTimeMs, packed } = letter;
    const { columns, encoded, raw, superseded = false } = unpackOne(packed);
    const stored = Buffer.alloc(encoded.length + COMMIT_FIELDS_MAX_BYTES);
    stored.set(encoded);
    let length = writeRecordTime(stored, encoded.length, recordTimeMs);
    if (superseded) length = writeSuperseded(stored, length);
    const whole = stored.subarray(0, length);
    const cursor = this.#cursors.encode(sequence);
    return {
      sequence,
      recordTimeMs,
      columns,
      superseded,
      encoded: assembleEvent(whole, cursor, sequence, includeRaw ? raw : undefined),
    };
  }
}
