import type { ClockTimer } from "../../../timer.ts";
import type { EventLog, ReadOptions } from "../../event-log.ts";
import { MAX_UNSETTLED } from "../../subscription-engine.ts";
import type { SubscriptionStore } from "../subscription-store.ts";
import { DeliveryQueue } from "./delivery-queue.ts";
import { keyOf } from "./event-key.ts";
import { type RecordPiece, readSequences } from "./read-sequences.ts";
import type { Gap, SubscriptionState } from "./subscription-state.ts";
import type { TurnBudget } from "./turn-budget.ts";
import { Phase, UnsettledEvent } from "./unsettled-event.ts";
import type { UnsettledSet } from "./unsettled-set.ts";

/** Most bytes of one read that only looks for keys. */
const KEY_READ_BYTES = 1 << 20;
/** Longest delay that is taken from the stored state, whatever the clocks say: the longest that can be asked for. */
const MAX_DELAY_MS = 86_400_000;

/** What a ledger needs. */
export interface LedgerParts {
  readonly id: string;
  readonly log: EventLog;
  readonly store: SubscriptionStore;
  /** Unix milliseconds. */
  readonly now: () => number;
  readonly timer: ClockTimer;
  readonly budget: TurnBudget;
  /** Something has changed that is to be stored some time. */
  readonly onChange: () => void;
  /** An event becomes ready at this time of the timer's clock. */
  readonly onDelay: (due: number) => void;
}

/** What a subscription has examined and not settled, and where it stands in the log. */
export class Ledger {
  readonly queue = new DeliveryQueue();
  /** Of the log, up to the position. */
  readonly unsettled: UnsettledSet;
  /** Of the dead letters. */
  readonly redriven: UnsettledSet;
  /** Events that only wait for room among the dead letters. */
  readonly doomed = new Set<UnsettledEvent>();
  readonly #parts: LedgerParts;
  #position: number;
  #gap: Gap | undefined;
  /** Events whose key is to be read yet. */
  #unkeyed: UnsettledEvent[];
  #sweptTo = 0;

  constructor(state: SubscriptionState, parts: LedgerParts) {
    this.#parts = parts;
    this.#position = state.position;
    this.#gap = state.gap;
    this.unsettled = state.unsettled;
    this.redriven = state.redriven;
    this.#unkeyed = [...state.unsettled, ...state.redriven];
    for (const event of this.#unkeyed) this.#restoreDelay(event);
  }

  /** Everything up to here was examined. */
  get position(): number {
    return this.#position;
  }

  /** Every event of the log up to here is settled. */
  get settledTo(): number {
    const { first } = this.unsettled;
    return first === undefined ? this.#position : first.sequence - 1;
  }

  /** What is to be told of events that nobody was given. */
  get gap(): Gap | undefined {
    return this.#gap;
  }

  /** Unsettled events, redriven ones included. */
  get size(): number {
    return this.unsettled.size + this.redriven.size;
  }

  /** How many more events of the log may be examined before others are settled. */
  get free(): number {
    return Math.max(0, MAX_UNSETTLED - this.size);
  }

  get hasUnkeyed(): boolean {
    return this.#unkeyed.length > 0;
  }

  /** Whether an event may be delivered, or more of the log examined. Expects delays to be up to date. */
  get hasWork(): boolean {
    if (this.#unkeyed.length > 0 || this.queue.hasReady) return true;
    const { earliest, head } = this.#parts.log.bounds();
    return earliest > this.#position || (this.#position < head && this.free > 0);
  }

  /** How many events may be delivered, roughly; 0 only when there are none. */
  get workAmount(): number {
    const backlog = this.free > 0 ? Math.max(0, this.#parts.log.bounds().head - this.#position) : 0;
    return backlog + this.queue.readySize + this.#unkeyed.length + (this.#gap === undefined ? 0 : 1);
  }

  setOf(event: UnsettledEvent): UnsettledSet {
    return event.redriven ? this.redriven : this.unsettled;
  }

  /** Gives a busy event back to the queue. */
  putBack(event: UnsettledEvent): void {
    event.id = "";
    if (event.doomed) this.doomed.add(event);
    this.queue.putBack(event);
    if (event.due > 0) this.#parts.onDelay(event.due);
  }

  /** Everything up to here was examined. */
  examined(position: number): void {
    if (position <= this.#position) return;
    this.#parts.budget.spend(position - this.#position);
    this.#position = position;
    this.#parts.onChange();
  }

  /** Events that nobody was given are no more in the log: after `from`, up to `to`. */
  noteGap(from: number, to: number): void {
    const known = this.#gap;
    this.#gap = known ? { from: Math.min(known.from, from), to: Math.max(known.to, to) } : { from, to };
    this.#parts.onChange();
  }

  /** The gap, to be told; it is not kept any longer. */
  takeGap(): Gap | undefined {
    const gap = this.#gap;
    if (gap === undefined) return undefined;
    this.#gap = undefined;
    this.#parts.onChange();
    return gap;
  }

  /** Drops what retention has removed before it was delivered. */
  sweep(): void {
    const { earliest } = this.#parts.log.bounds();
    if (earliest <= this.#sweptTo) return;
    this.#sweptTo = earliest;
    const lost: UnsettledEvent[] = [];
    for (const event of this.unsettled) {
      if (event.sequence > earliest) break;
      if (event.phase === Phase.WAITING) lost.push(event);
    }
    if (lost.length > 0) this.#drop(lost);
    if (this.#position >= earliest) return;
    this.noteGap(this.#position, earliest);
    this.#position = earliest;
  }

  /** Forgets TAKEN events of which no record is left. */
  dropTaken(events: readonly UnsettledEvent[]): void {
    for (const event of events) {
      this.setOf(event).remove(event);
      this.queue.settle(event);
      if (!event.redriven) this.noteGap(event.sequence - 1, event.sequence);
    }
  }

  /** A redriven dead letter is dead again, because its event failed as one of the log. */
  forgetRedriven(sequence: number): void {
    const event = this.redriven.get(sequence);
    if (event !== undefined) this.#drop([event]);
  }

  /** Redriven dead letters are delivered again. */
  addRedriven(events: readonly UnsettledEvent[]): void {
    for (const event of events) {
      this.redriven.add(event);
      this.#unkeyed.push(event);
    }
  }

  /** Goes on after a position and forgets what the log gave; redriven dead letters begin anew, in nobody's hands. */
  restartFrom(position: number): void {
    const again = [...this.redriven].map((event) => new UnsettledEvent(event.sequence, true, undefined));
    for (const set of [this.unsettled, this.redriven]) {
      for (const event of set) {
        event.phase = Phase.GONE;
        event.holder = undefined;
      }
      set.clear();
    }
    this.queue.clear();
    this.doomed.clear();
    this.#gap = undefined;
    this.#unkeyed = [];
    this.#position = position;
    this.addRedriven(again);
  }

  /** Reads records of events, which all are of the log or all redriven. */
  async read(wanted: readonly UnsettledEvent[], after: number, options: ReadOptions): Promise<RecordPiece> {
    const { id, log, store, budget } = this.#parts;
    budget.spend(options.limit);
    if (wanted[0]?.redriven !== true) {
      if (after < log.bounds().earliest) return { records: [], examinedTo: after };
      return log.read(after, options);
    }
    const letters = await store.deadLetters(id, after, options);
    const records = letters.map(({ record }) => record);
    return { records, examinedTo: records.at(-1)?.sequence ?? Number.POSITIVE_INFINITY };
  }

  /** Reads what orders the events that were restored or redriven. To be done before anything is taken. */
  async readKeys(): Promise<void> {
    if (this.#unkeyed.length === 0) return;
    const wanted = this.#unkeyed.toSorted((a, b) => a.sequence - b.sequence);
    const lost: UnsettledEvent[] = [];
    const read: UnsettledEvent[] = [];
    for (const isRedriven of [false, true]) {
      const events = wanted.filter((event) => event.redriven === isRedriven);
      await this.#readKeysOf(events, (event) => (event.key === undefined ? lost : read).push(event));
    }
    // From the last to the first, each is put before those of its key: quick, however many they are.
    for (const event of read.reverse()) if (event.phase !== Phase.GONE) this.#enqueue(event);
    if (lost.length > 0) this.#drop(lost);
    // Others can have been redriven meanwhile.
    const done = new Set(wanted);
    this.#unkeyed = this.#unkeyed.filter((event) => !done.has(event));
  }

  async #readKeysOf(
    events: readonly UnsettledEvent[],
    visit: (event: UnsettledEvent) => void,
  ): Promise<void> {
    const read = async (after: number, limit: number): Promise<RecordPiece> => {
      await this.#parts.budget.wait;
      return this.read(events, after, { limit, maxBytes: KEY_READ_BYTES, includeRaw: false });
    };
    await readSequences(events, read, (event, record) => {
      event.key = record === undefined ? undefined : keyOf(record);
      visit(event);
      return true;
    });
  }

  #enqueue(event: UnsettledEvent): void {
    if (event.doomed) this.doomed.add(event);
    this.queue.add(event);
    if (event.due > 0) this.#parts.onDelay(event.due);
  }

  /** Removes WAITING events, and tells of those that the log had. */
  #drop(events: readonly UnsettledEvent[]): void {
    const keys = new Set<string>();
    for (const event of events) {
      event.phase = Phase.GONE;
      this.setOf(event).remove(event);
      this.doomed.delete(event);
      if (event.key !== undefined) keys.add(event.key);
      if (!event.redriven) this.noteGap(event.sequence - 1, event.sequence);
    }
    this.queue.removeGone(keys);
    this.#unkeyed = this.#unkeyed.filter((event) => event.phase !== Phase.GONE);
  }

  /** Delays are kept by the wall clock, and waited for by the timer. */
  #restoreDelay(event: UnsettledEvent): void {
    if (event.notBeforeMs === 0) return;
    const { now, timer } = this.#parts;
    const wait = Math.min(event.notBeforeMs - now(), MAX_DELAY_MS);
    // What is doomed always waits: it is not to be delivered.
    event.due = wait > 0 || event.doomed ? timer.now() + Math.max(wait, 1) : 0;
  }
}
