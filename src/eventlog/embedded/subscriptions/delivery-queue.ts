import { MinHeap } from "./min-heap.ts";
import { isBusy, Phase, type UnsettledEvent } from "./unsettled-event.ts";

const NO_HEAP = 0;
const READY = 1;
const DELAYED = 2;
/** Stale entries that a heap may hold however few events are live. */
export const MAX_STALE_ENTRIES = 1_024;

/**
 * Which unsettled events may be delivered. Events of one key form a chain;
 * only its first one is ever delivered, and while somebody has that one the
 * others wait. A first event that nobody has is the chain's lowest sequence,
 * and lies in one of two heaps: ready, by sequence, or delayed, by time. A heap
 * may hold events that are not the first of their chain any more; they are
 * dropped when they come up, and all at once when a heap holds more than twice
 * as many entries as there are chains, and {@link MAX_STALE_ENTRIES}.
 */
export class DeliveryQueue {
  readonly #first = new Map<string, UnsettledEvent>();
  readonly #ready = new MinHeap<UnsettledEvent>((event) => event.sequence);
  readonly #delayed = new MinHeap<UnsettledEvent>((event) => event.due);

  /** Whether no event of the key is unsettled. */
  isFree(key: string): boolean {
    return !this.#first.has(key);
  }

  /** Whether a delay is what some events wait for. */
  get hasDelayed(): boolean {
    return dropStale(this.#delayed, this.#first) !== undefined;
  }

  /** Whether something can be taken. */
  get hasReady(): boolean {
    return dropStale(this.#ready, this.#first) !== undefined;
  }

  /** Most events that can be taken one after the other. */
  get readySize(): number {
    return this.#ready.size;
  }

  /** Entries of both heaps, stale ones included. */
  get entryCount(): number {
    return this.#ready.size + this.#delayed.size;
  }

  /** When the next delay is over, on the timer's clock; Infinity without one. */
  get nextDue(): number {
    return dropStale(this.#delayed, this.#first)?.due ?? Number.POSITIVE_INFINITY;
  }

  /** Adds an event with a key. */
  add(event: UnsettledEvent): void {
    const key = event.key as string;
    const first = this.#first.get(key);
    if (first === undefined) this.#start(key, event);
    else if (isBusy(first) || isBefore(first, event)) insertAfter(first, event);
    else this.#prepend(key, event, first);
    this.#offer(key);
  }

  /** Takes the ready event of the lowest sequence out. */
  take(): UnsettledEvent | undefined {
    const event = dropStale(this.#ready, this.#first);
    if (event === undefined) return undefined;
    this.#ready.pop();
    event.heap = NO_HEAP;
    event.phase = Phase.TAKEN;
    return event;
  }

  /** Gives a busy event back, which is the first of its chain. */
  putBack(event: UnsettledEvent): void {
    const key = event.key as string;
    event.phase = Phase.WAITING;
    const { next } = event;
    if (next !== undefined && isBefore(next, event)) {
      this.#removeFirst(key, event);
      insertAfter(next, event);
    }
    this.#offer(key);
  }

  /** Removes a busy event, which is the first of its chain. */
  settle(event: UnsettledEvent): void {
    const key = event.key as string;
    event.phase = Phase.GONE;
    this.#removeFirst(key, event);
    this.#offer(key);
  }

  /** Makes the delayed events ready whose time has come; those that are doomed come back instead, for COUNTING. */
  promote(now: number): UnsettledEvent[] {
    const doomed: UnsettledEvent[] = [];
    for (;;) {
      const event = dropStale(this.#delayed, this.#first);
      if (event === undefined || event.due > now) return doomed;
      this.#delayed.pop();
      event.heap = NO_HEAP;
      if (event.doomed) {
        event.phase = Phase.COUNTING;
        doomed.push(event);
      } else {
        event.due = 0;
        this.#push(this.#ready, READY, event);
      }
    }
  }

  /** Takes events out of their chains that are GONE; cost grows with the length of those chains. */
  removeGone(keys: ReadonlySet<string>): void {
    for (const key of keys) {
      const first = this.#first.get(key);
      this.#first.delete(key);
      for (let event = first; event !== undefined; ) {
        const { next } = event;
        event.next = undefined;
        event.last = undefined;
        if (event.phase !== Phase.GONE) this.#append(key, event);
        event = next;
      }
      this.#offer(key);
    }
    this.#dropAllStale(this.#ready);
    this.#dropAllStale(this.#delayed);
  }

  clear(): void {
    this.#first.clear();
    this.#ready.clear();
    this.#delayed.clear();
  }

  #append(key: string, event: UnsettledEvent): void {
    const first = this.#first.get(key);
    if (first === undefined) this.#start(key, event);
    else insertAfter(first, event);
  }

  #start(key: string, event: UnsettledEvent): void {
    event.last = event;
    event.next = undefined;
    this.#first.set(key, event);
  }

  #prepend(key: string, event: UnsettledEvent, first: UnsettledEvent): void {
    event.next = first;
    event.last = first.last;
    first.last = undefined;
    this.#first.set(key, event);
  }

  #removeFirst(key: string, event: UnsettledEvent): void {
    const { next } = event;
    if (next === undefined) this.#first.delete(key);
    else {
      next.last = event.last;
      this.#first.set(key, next);
    }
    event.next = undefined;
    event.last = undefined;
  }

  /** Puts the first event of a chain into its heap, unless somebody has it or it is in one. */
  #offer(key: string): void {
    const first = this.#first.get(key);
    if (first === undefined || isBusy(first) || first.heap !== NO_HEAP) return;
    if (first.due > 0) this.#push(this.#delayed, DELAYED, first);
    else this.#push(this.#ready, READY, first);
  }

  #push(heap: MinHeap<UnsettledEvent>, mark: 1 | 2, event: UnsettledEvent): void {
    event.heap = mark;
    heap.push(event);
    this.#dropAllStale(heap);
  }

  /** Rebuilds a heap once it is mostly stale, so that each entry pays for a fixed part of a rebuild. */
  #dropAllStale(heap: MinHeap<UnsettledEvent>): void {
    if (heap.size <= 2 * this.#first.size + MAX_STALE_ENTRIES) return;
    heap.retain((event) => {
      if (isLive(event, this.#first)) return true;
      event.heap = NO_HEAP;
      return false;
    });
  }
}

/** The order of a chain. An event that a seek has put back into play comes after its redriven dead letter. */
function isBefore(one: UnsettledEvent, other: UnsettledEvent): boolean {
  return one.sequence < other.sequence || (one.sequence === other.sequence && one.redriven);
}

/** Puts an event behind the first of its chain, by sequence. Quick at either end. */
function insertAfter(first: UnsettledEvent, event: UnsettledEvent): void {
  const last = first.last ?? first;
  event.last = undefined;
  if (last === first || isBefore(last, event)) {
    event.next = undefined;
    last.next = event;
    first.last = event;
    return;
  }
  let before = first;
  while (before.next !== undefined && isBefore(before.next, event)) before = before.next;
  event.next = before.next;
  before.next = event;
}

/** Whether an entry of a heap is the first of its chain, and nobody has it. */
function isLive(event: UnsettledEvent, firsts: ReadonlyMap<string, UnsettledEvent>): boolean {
  return event.phase === Phase.WAITING && firsts.get(event.key as string) === event;
}

function dropStale(
  heap: MinHeap<UnsettledEvent>,
  firsts: ReadonlyMap<string, UnsettledEvent>,
): UnsettledEvent | undefined {
  for (;;) {
    const top = heap.peek();
    if (top === undefined) return undefined;
    if (isLive(top, firsts)) return top;
    heap.pop();
    top.heap = NO_HEAP;
  }
}
