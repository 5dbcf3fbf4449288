import type { CallbackItem } from "./callback-bodies.ts";
import type { SimulatorClock } from "./clock.ts";
import { MAX_PENDING_PULL_ITEMS, PULL_RETENTION_MS } from "./limits.ts";

interface Kept {
  readonly item: CallbackItem;
  readonly keptAtMs: number;
}

/** Items that wait to be fetched, each once. Bounded by number and by age. */
export class PullStore {
  readonly #clock: SimulatorClock;
  readonly #kept = new Set<Kept>();

  constructor(clock: SimulatorClock) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#kept.size;
  }

  add(item: CallbackItem): void {
    this.#kept.add({ item, keptAtMs: this.#clock.now() });
    if (this.#kept.size <= MAX_PENDING_PULL_ITEMS) return;
    const oldest = this.#kept.values().next();
    if (!oldest.done) this.#kept.delete(oldest.value);
  }

  /** Removes and returns up to `limit` items that match, oldest first. */
  take(limit: number, matches: (item: CallbackItem) => boolean): CallbackItem[] {
    const horizon = this.#clock.now() - PULL_RETENTION_MS;
    const taken: CallbackItem[] = [];
    for (const kept of this.#kept) {
      if (taken.length >= limit) break;
      if (kept.keptAtMs < horizon) this.#kept.delete(kept);
      else if (matches(kept.item)) {
        this.#kept.delete(kept);
        taken.push(kept.item);
      }
    }
    return taken;
  }

  /** How many items match. */
  count(matches: (item: CallbackItem) => boolean): number {
    const horizon = this.#clock.now() - PULL_RETENTION_MS;
    let count = 0;
    for (const kept of this.#kept) if (kept.keptAtMs >= horizon && matches(kept.item)) count++;
    return count;
  }

  clear(): void {
    this.#kept.clear();
  }
}
