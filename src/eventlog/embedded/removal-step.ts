import type { DatabaseSync, StatementSync } from "node:sqlite";

/** Most events that one step of a removal deletes: with random message ids each is a page of the index. */
export const REMOVE_STEP_EVENTS = 250;
/** Bytes of events after which a step of a removal ends. */
export const REMOVE_STEP_BYTES = 4 * 1024 * 1024;

/** Tells how far one step of a removal goes; the reading and the writing connection each have one and say the same. */
export class RemovalStep {
  readonly #sizes: StatementSync;

  /** @throws an error of node:sqlite */
  constructor(database: DatabaseSync) {
    this.#sizes = database.prepare(
      "SELECT sequence, length(encoded) + length(raw) FROM events WHERE sequence > ? AND sequence <= ? " +
        `ORDER BY sequence LIMIT ${REMOVE_STEP_EVENTS}`,
    );
    this.#sizes.setReturnArrays(true);
  }

  /** Last position that a step removes which begins after one position and ends at another at the latest. @throws an error of node:sqlite */
  endOf(after: number, through: number): number {
    let bytes = 0;
    let to = through;
    for (const [sequence, size] of this.#sizes.all(after, through) as unknown as [number, number][]) {
      to = sequence;
      bytes += size;
      if (bytes >= REMOVE_STEP_BYTES) break;
    }
    return to;
  }
}
