import { cursorExpired } from "../eventlog/cursor.ts";
import type { EventRecord } from "../eventlog/event-log.ts";
import { callEnded, orCallEnded } from "../rpc/call-ended.ts";
import { MAX_PAGE_BYTES } from "./event-page.ts";
import { type HistoryRead, MAX_EXAMINED, readOptions } from "./history-reads.ts";

/** Most messages that are looked up one by one; for more the log is scanned. */
export const MAX_MERGED_MESSAGES = 100;
/** Events of one message read at a time. */
const READ_AHEAD = 64;
/** Reads in one turn of the event loop. */
const READS_PER_TURN = 16;

/** The events of one message that are read but not yet on the page. */
class MessageQueue {
  readonly messageId: string;
  #records: readonly EventRecord[] = [];
  #next = 0;
  /** Every event up to here was read. */
  examinedTo: number;

  constructor(messageId: string, after: number) {
    this.messageId = messageId;
    this.examinedTo = after;
  }

  get first(): EventRecord | undefined {
    return this.#records[this.#next];
  }

  refill(records: readonly EventRecord[], examinedTo: number): void {
    this.#records = records;
    this.#next = 0;
    this.examinedTo = examinedTo;
  }

  drop(): void {
    this.#next++;
  }
}

/**
 * Fills a page with the events of a few messages, at a cost that does not grow
 * with the log. Gives the position reached, as scanEvents does. Memory is
 * bounded by twice the page's bytes and one event of each message.
 *
 * @throws ServiceError CURSOR_EXPIRED when retention has overtaken the start.
 */
export async function mergeMessages(read: HistoryRead, messageIds: ReadonlySet<string>): Promise<number> {
  const position = await merge(read, messageIds);
  const { earliest } = read.log.bounds();
  // Reads by message do not fail for what retention has removed meanwhile.
  if (read.position < earliest) throw cursorExpired(read.log.id, earliest);
  return position;
}

async function merge(read: HistoryRead, messageIds: ReadonlySet<string>): Promise<number> {
  const queues = [...messageIds].map((id) => new MessageQueue(id, read.position));
  const refiller = new Refiller(read, queues.length);
  let position = read.position;
  while (!read.page.isFull) {
    for (const queue of queues) await refiller.refill(queue);
    const first = firstOf(queues, read.end);
    if (first === undefined) return Math.max(position, examinedByAll(queues, read.end));
    const record = first.first as EventRecord;
    if (!read.page.add(record)) return position;
    position = record.sequence;
    first.drop();
  }
  return position;
}

/** The queue whose turn it is; undefined when nothing is left, or when it is not known what comes next. */
function firstOf(queues: readonly MessageQueue[], end: number): MessageQueue | undefined {
  let first: MessageQueue | undefined;
  for (const queue of queues) {
    if (queue.first === undefined && queue.examinedTo < end) return undefined;
    if (queue.first === undefined || queue.first.sequence > end) continue;
    if (first?.first === undefined || queue.first.sequence < first.first.sequence) first = queue;
  }
  return first;
}

function examinedByAll(queues: readonly MessageQueue[], end: number): number {
  let position = end;
  for (const { first, examinedTo } of queues) {
    position = Math.min(position, first === undefined ? examinedTo : first.sequence - 1);
  }
  return position;
}

/** Reads on for queues that are empty, until the events that one call may examine are used up. */
class Refiller {
  readonly #read: HistoryRead;
  readonly #maxBytes: number;
  #budget = MAX_EXAMINED;
  #reads = 0;

  constructor(read: HistoryRead, queues: number) {
    this.#read = read;
    this.#maxBytes = Math.ceil(MAX_PAGE_BYTES / queues);
  }

  async refill(queue: MessageQueue): Promise<void> {
    const { log, end, signal } = this.#read;
    while (queue.first === undefined && queue.examinedTo < end && this.#budget > 0) {
      if (++this.#reads % READS_PER_TURN === 0) await this.#read.turns.take(signal);
      if (signal.aborted) throw callEnded(signal);
      const options = readOptions(this.#read, READ_AHEAD, this.#maxBytes);
      const after = queue.examinedTo;
      const result = await orCallEnded(log.readMessage(queue.messageId, after, options), signal);
      const isExhausted = result.examinedTo <= after;
      queue.refill(result.records, isExhausted ? end : result.examinedTo);
      this.#budget -= queue.examinedTo >= end ? 1 + result.records.length : READ_AHEAD;
    }
  }
}
