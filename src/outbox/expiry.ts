import { ensureServiceError, type ServiceError } from "../errors.ts";
import type { SubmissionRecord, SubmissionStore } from "../eventlog/submission-store.ts";
import type { Entries } from "./entries.ts";
import { Entry } from "./entry.ts";
import type { KeyLock } from "./key-lock.ts";
import type { Worker } from "./worker.ts";

/** Most submissions that expire in one go. */
const PAGE = 256;
/** Bytes of one page. */
const PAGE_BYTES = 8 * 1024 * 1024;
/** Wait before the store is looked at again for what could not expire, in milliseconds. */
const RECHECK_MS = 1_000;

/** What {@link Expiry} works with. */
export interface ExpiryOptions {
  readonly store: Pick<SubmissionStore, "expired" | "nextExpiry">;
  readonly entries: Entries;
  readonly locks: KeyLock;
  readonly worker: Worker;
  /** Unix milliseconds. */
  readonly now: () => number;
  /** There is another time to wait for. */
  readonly onSwept: () => void;
  readonly onTrouble: (error: ServiceError) => void;
}

/** Ends submissions whose time has passed while they waited. */
export class Expiry {
  readonly #options: ExpiryOptions;
  #nextMs = Number.NEGATIVE_INFINITY;
  #sweeping: Promise<void> | undefined;
  #isStopping = false;

  constructor(options: ExpiryOptions) {
    this.#options = options;
  }

  /** Milliseconds until something expires, as far as is known. */
  get waitMs(): number {
    if (this.#sweeping !== undefined) return Number.POSITIVE_INFINITY;
    return Math.max(0, this.#nextMs - this.#options.now());
  }

  /** A submission waits that expires at this time. */
  expect(expireAfterMs: number): void {
    this.#nextMs = Math.min(this.#nextMs, expireAfterMs);
  }

  /** Looks for what has expired, when the time has come. */
  run(): void {
    if (this.#isStopping || this.waitMs > 0) return;
    this.#sweeping = this.#sweep();
  }

  /** Begins nothing more; resolves when nothing is under way. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    await this.#sweeping;
  }

  /** Never rejects. */
  async #sweep(): Promise<void> {
    const { store, now, onTrouble } = this.#options;
    const recheckMs = now() + RECHECK_MS;
    this.#nextMs = Number.POSITIVE_INFINITY;
    try {
      while (!this.#isStopping && (await this.#expirePage())) {}
      const next = await store.nextExpiry();
      // What is past has its reason to be still there: it is leaving, or it cannot be stored.
      if (next !== undefined) this.expect(next > now() ? next : recheckMs);
    } catch (error) {
      this.expect(recheckMs);
      onTrouble(ensureServiceError(error));
    }
    this.#sweeping = undefined;
    this.#options.onSwept();
  }

  /** True when there may be more to expire. */
  async #expirePage(): Promise<boolean> {
    const { store, entries, now } = this.#options;
    const { result: page, changed } = await entries.read(() => store.expired(now(), PAGE, PAGE_BYTES));
    const ending = page.flatMap((record) => (changed.has(record.number) ? [] : (this.#end(record) ?? [])));
    const ends = await Promise.allSettled(ending);
    return ends.some(({ status }) => status === "fulfilled");
  }

  #end(record: SubmissionRecord): Promise<void> | undefined {
    const { entries, locks, worker } = this.#options;
    if (locks.whenFree(record.id) !== undefined) return undefined;
    const known = entries.get(record.id);
    if (known !== undefined) {
      const isWaiting = known.phase === "READY" || known.phase === "HANDED";
      return isWaiting ? worker.end(known, "EXPIRED") : undefined;
    }
    const entry = new Entry(record);
    entries.open(entry);
    return worker.end(entry, "EXPIRED");
  }
}
