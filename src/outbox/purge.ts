import { ensureServiceError, type ServiceError } from "../errors.ts";
import type { SubmissionStore } from "../eventlog/submission-store.ts";
import type { Commits } from "./commits.ts";

/** Most submissions that are removed in one commit. */
const STEP = 500;
/** Time between two rounds, in milliseconds. */
const INTERVAL_MS = 60_000;

/** What {@link Purge} works with. */
export interface PurgeOptions {
  readonly store: Pick<SubmissionStore, "doneBefore">;
  readonly commits: Commits;
  readonly retentionMs: number;
  /** Unix milliseconds. */
  readonly now: () => number;
  /** Milliseconds on a clock that only goes forward. */
  readonly clock: () => number;
  readonly onTrouble: (error: ServiceError) => void;
}

/** Removes submissions that have been done for longer than they are kept, in small steps. */
export class Purge {
  readonly #options: PurgeOptions;
  #nextAt = Number.NEGATIVE_INFINITY;
  #running: Promise<void> | undefined;
  #isStopping = false;

  constructor(options: PurgeOptions) {
    this.#options = options;
  }

  /** Milliseconds until the next round. */
  get waitMs(): number {
    if (this.#running !== undefined) return INTERVAL_MS;
    return Math.max(0, this.#nextAt - this.#options.clock());
  }

  /** Begins a round when it is time. */
  run(): void {
    if (this.#isStopping || this.waitMs > 0) return;
    this.#nextAt = this.#options.clock() + INTERVAL_MS;
    this.#options.commits.recount();
    this.#running = this.#remove();
  }

  /** Begins nothing more; resolves when nothing is under way. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    await this.#running;
  }

  /** Never rejects. */
  async #remove(): Promise<void> {
    const { store, commits, retentionMs, now, onTrouble } = this.#options;
    try {
      while (!this.#isStopping) {
        const numbers = await store.doneBefore(now() - retentionMs, STEP);
        if (numbers.length > 0) await commits.remove(numbers);
        if (numbers.length < STEP) break;
      }
    } catch (error) {
      onTrouble(ensureServiceError(error));
    }
    this.#running = undefined;
  }
}
