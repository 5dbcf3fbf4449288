import type { EventRecord, ReadOptions, ReadResult } from "../event-log.ts";

/** Bounds of the window. */
export interface RecentLimits {
  /** Most records. */
  readonly records: number;
  /** Most bytes of encoded events. */
  readonly bytes: number;
}

/**
 * The newest records, encoded, for everyone who reads near the head: the first
 * reader of a new record fetches it from the disk, the others find it here.
 * Holds an unbroken piece of the log, after `from` up to and including `to`.
 */
export class RecentRecords {
  readonly #limits: RecentLimits;
  #records: EventRecord[] = [];
  #bytes = 0;
  #from = 0;
  #to = 0;

  constructor(limits: RecentLimits) {
    this.#limits = limits;
  }

  /** Answers a read from memory; undefined when the position is not in the window or nothing after it is. */
  read(after: number, options: ReadOptions): ReadResult | undefined {
    if (after < this.#from || after >= this.#to) return undefined;
    const records: EventRecord[] = [];
    const start = this.#indexAfter(after);
    const end = Math.min(this.#records.length, start + options.limit);
    let bytes = 0;
    for (let i = start; i < end; i++) {
      const record = this.#records[i];
      if (record === undefined || options.matches?.(record.columns) === false) continue;
      records.push(record);
      bytes += record.encoded.length;
      if (bytes >= options.maxBytes) return { records, examinedTo: record.sequence };
    }
    const last = this.#records[end - 1];
    return {
      records,
      examinedTo: end === this.#records.length || last === undefined ? this.#to : last.sequence,
    };
  }

  /** Whether records after this position, read from the disk, would keep the window unbroken and near the head. */
  wants(after: number, head: number): boolean {
    return head - after <= this.#limits.records && after >= this.#to;
  }

  /** Adds the complete, unfiltered result of a read after a position that {@link wants} has accepted. */
  add(after: number, result: ReadResult): void {
    if (after !== this.#to) this.#clear(after);
    this.#to = result.examinedTo;
    for (const record of result.records) {
      this.#records.push(record);
      this.#bytes += record.encoded.length;
    }
    this.#trim();
  }

  /** Drops records that retention has removed. */
  removeThrough(position: number): void {
    if (position > this.#from) this.#clear(Math.max(position, this.#to));
  }

  #clear(position: number): void {
    this.#records = [];
    this.#bytes = 0;
    this.#from = position;
    this.#to = position;
  }

  #trim(): void {
    let drop = 0;
    while (this.#records.length - drop > this.#limits.records || this.#bytes > this.#limits.bytes) {
      const record = this.#records[drop++];
      if (record === undefined) break;
      this.#bytes -= record.encoded.length;
      this.#from = record.sequence;
    }
    if (drop > 0) this.#records.splice(0, drop);
  }

  #indexAfter(position: number): number {
    let low = 0;
    let high = this.#records.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#records[middle]?.sequence ?? 0) <= position) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
