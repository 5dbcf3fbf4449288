import { fromBinary } from "@bufbuild/protobuf";
import { type Event, EventSchema } from "../../gen/infobip/events/v1/event_pb.js";
import type { EventRecord } from "../eventlog/event-log.ts";

/** Events of a page when the request names no size; requests may ask for 1,000 at most, by their rules. */
export const DEFAULT_PAGE_SIZE = 100;
/** Most bytes of events in one page; a larger event comes alone. gRPC clients refuse messages over 4 MiB. */
export const MAX_PAGE_BYTES = 2 * 1024 * 1024;

/** Collects and decodes the events of one page within its bounds. */
export class EventPage {
  readonly events: Event[] = [];
  readonly #size: number;
  #bytes = 0;
  #isFull = false;

  /** `pageSize` as the request gave it, 0 included. */
  constructor(pageSize: number) {
    this.#size = pageSize === 0 ? DEFAULT_PAGE_SIZE : pageSize;
  }

  /** Whether the page takes nothing more. */
  get isFull(): boolean {
    return this.#isFull;
  }

  /** Events that still fit by number. */
  get room(): number {
    return this.#size - this.events.length;
  }

  /** Bytes that still fit. */
  get byteRoom(): number {
    return MAX_PAGE_BYTES - this.#bytes;
  }

  /** Takes a record, or says false when it no longer fits; the page is then full. */
  add(record: EventRecord): boolean {
    const bytes = this.#bytes + record.encoded.length;
    if (this.#isFull || (this.events.length > 0 && bytes > MAX_PAGE_BYTES)) {
      this.#isFull = true;
      return false;
    }
    this.events.push(fromBinary(EventSchema, record.encoded));
    this.#bytes = bytes;
    this.#isFull = this.events.length >= this.#size || bytes >= MAX_PAGE_BYTES;
    return true;
  }
}
