import { ServiceError } from "../../../errors.ts";
import type { EventRecord } from "../../event-log.ts";
import type { Delivery, TakeOptions } from "../../subscription-engine.ts";
import { eventIdOfEncoded } from "./event-id.ts";
import { keyOf } from "./event-key.ts";
import { readSequences } from "./read-sequences.ts";
import type { Session } from "./session.ts";
import type { Subscription } from "./subscription.ts";
import { Phase, UnsettledEvent } from "./unsettled-event.ts";

/** Most records that one read examines when a filter chooses. */
const MAX_EXAMINED = 1_024;
/** Fewest of them, however little is wanted. */
const MIN_EXAMINED = 128;
/** Records examined for each one wanted when a filter chooses. */
const EXAMINED_PER_WANTED = 4;

/** One take: what it may hold, and what it has so far. The events are TAKEN until they are handed over. */
export class Taking {
  readonly #subscription: Subscription;
  readonly #options: TakeOptions;
  readonly #maxEvents: number;
  readonly #events: UnsettledEvent[] = [];
  readonly #records: EventRecord[] = [];
  #bytes = 0;

  constructor(subscription: Subscription, options: TakeOptions, maxEvents: number) {
    this.#subscription = subscription;
    this.#options = options;
    this.#maxEvents = maxEvents;
  }

  get #room(): number {
    return this.#bytes >= Math.max(1, this.#options.maxBytes) ? 0 : this.#maxEvents - this.#events.length;
  }

  /** Takes ready events, then examines one piece of the log. Rejects as the log does; what was taken can still be handed over or given back. */
  async run(): Promise<void> {
    try {
      if (this.#room > 0) await this.#redeliver();
      if (this.#room > 0) await this.#examine();
    } catch (error) {
      // Retention came between a look at the log's bounds and the read: the next take finds the gap.
      if (!(error instanceof ServiceError && error.reason === "CURSOR_EXPIRED")) throw error;
    }
  }

  /** Gives everything to a session, in the order of the log. */
  handOver(session: Session): Delivery[] {
    const deliveries: Delivery[] = [];
    let before = 0;
    let isSorted = true;
    for (let i = 0; i < this.#events.length; i++) {
      const event = this.#events[i] as UnsettledEvent;
      const record = this.#records[i] as EventRecord;
      event.id = eventIdOfEncoded(record.encoded);
      session.keep(event);
      deliveries.push({ record, attempt: event.attempts + 1 });
      isSorted &&= before <= event.sequence;
      before = event.sequence;
    }
    this.#subscription.inFlight += deliveries.length;
    return isSorted ? deliveries : deliveries.sort((a, b) => a.record.sequence - b.record.sequence);
  }

  /** Gives everything back as if it had not been taken. */
  giveBack(): void {
    for (const event of this.#events) this.#subscription.ledger.putBack(event);
  }

  async #redeliver(): Promise<void> {
    const { queue } = this.#subscription.ledger;
    const fromLog: UnsettledEvent[] = [];
    const fromDeadLetters: UnsettledEvent[] = [];
    for (let left = this.#room; left > 0; left--) {
      const event = queue.take();
      if (event === undefined) break;
      (event.redriven ? fromDeadLetters : fromLog).push(event);
    }
    if (fromLog.length > 0) await this.#reread(fromLog);
    if (fromDeadLetters.length > 0) await this.#reread(fromDeadLetters);
  }

  async #reread(wanted: readonly UnsettledEvent[]): Promise<void> {
    const { ledger } = this.#subscription;
    let visited = 0;
    const lost: UnsettledEvent[] = [];
    try {
      const { includeRaw } = this.#options;
      const read = (after: number, limit: number) => {
        const maxBytes = Math.max(1, this.#options.maxBytes - this.#bytes);
        return ledger.read(wanted, after, { limit, maxBytes, includeRaw });
      };
      await readSequences(wanted, read, (event, record) => {
        if (this.#room <= 0) return false;
        visited++;
        if (record === undefined) lost.push(event);
        else this.#add(event, record);
        return true;
      });
    } finally {
      for (const event of wanted.slice(visited)) ledger.putBack(event);
      if (lost.length > 0) ledger.dropTaken(lost);
    }
  }

  async #examine(): Promise<void> {
    const { ledger, log, predicate } = this.#subscription;
    const { free } = ledger;
    const wanted = Math.min(this.#room, free);
    if (wanted <= 0 || ledger.position >= log.bounds().head) return;
    const result = await log.read(ledger.position, {
      limit: predicate === undefined ? wanted : examinedFor(wanted),
      maxBytes: Math.max(1, this.#options.maxBytes - this.#bytes),
      includeRaw: this.#options.includeRaw,
      matches: predicate,
    });
    let added = 0;
    for (const record of result.records) {
      if (added === free || this.#room <= 0) {
        ledger.examined(record.sequence - 1);
        return;
      }
      this.#meet(record);
      added++;
    }
    ledger.examined(result.examinedTo);
  }

  #meet(record: EventRecord): void {
    const { queue, unsettled } = this.#subscription.ledger;
    const event = new UnsettledEvent(record.sequence, false, keyOf(record));
    unsettled.add(event);
    if (queue.isFree(event.key as string)) {
      event.phase = Phase.TAKEN;
      queue.add(event);
      this.#add(event, record);
    } else queue.add(event);
  }

  #add(event: UnsettledEvent, record: EventRecord): void {
    this.#events.push(event);
    this.#records.push(record);
    this.#bytes += record.encoded.length;
  }
}

function examinedFor(wanted: number): number {
  return Math.min(Math.max(wanted * EXAMINED_PER_WANTED, MIN_EXAMINED), MAX_EXAMINED);
}
