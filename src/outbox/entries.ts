import type { Entry } from "./entry.ts";

/** The submissions in memory, by request id. */
export class Entries {
  readonly #byId = new Map<string, Entry>();
  readonly #watches = new Set<Set<number>>();

  get size(): number {
    return this.#byId.size;
  }

  get(id: string): Entry | undefined {
    return this.#byId.get(id);
  }

  values(): Iterable<Entry> {
    return this.#byId.values();
  }

  open(entry: Entry): void {
    this.#byId.set(entry.record.id, entry);
  }

  close(entry: Entry): void {
    if (this.#byId.get(entry.record.id) === entry) this.#byId.delete(entry.record.id);
    entry.release?.();
  }

  /** A commit of this record has ended. */
  changed(number: number): void {
    for (const watch of this.#watches) watch.add(number);
  }

  /**
   * Runs a read of the store. Gives with its result the numbers of the records
   * that were committed meanwhile: what it read of them is out of date.
   */
  async read<T>(work: () => Promise<T>): Promise<{ result: T; changed: ReadonlySet<number> }> {
    const changed = new Set<number>();
    this.#watches.add(changed);
    try {
      return { result: await work(), changed };
    } finally {
      this.#watches.delete(changed);
    }
  }
}
