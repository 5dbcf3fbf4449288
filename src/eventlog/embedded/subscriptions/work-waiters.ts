import type { Session } from "./session.ts";

interface Waiter {
  readonly session: Session;
  readonly go: () => void;
}

/** What the waiters need to know. */
export interface WorkSource {
  /** How many events may be delivered now, roughly; 0 only when there are none. */
  readonly amount: () => number;
  /** Whether there is something for this session. */
  readonly isFor: (session: Session) => boolean;
}

/**
 * Sessions that wait for something to take, first come first served. No more
 * are woken than there is work; those who were not are looked at again in the
 * next turn of the event loop, in case the woken ones do not come for it.
 */
export class WorkWaiters {
  readonly #source: WorkSource;
  readonly #waiters = new Set<Waiter>();
  /** Sessions that wait, or were woken and have not come yet. */
  readonly #hungry = new Set<Session>();
  #isLookingAgain = false;

  constructor(source: WorkSource) {
    this.#source = source;
  }

  get size(): number {
    return this.#waiters.size;
  }

  /** Sessions beside this one that want something. */
  othersHungry(session: Session): number {
    return this.#hungry.size - (this.#hungry.has(session) ? 1 : 0);
  }

  /** A session comes, or does not want anything any more. */
  came(session: Session): void {
    this.#hungry.delete(session);
  }

  /** Resolves when there is something for the session, when it ends or when the signal aborts. Never rejects. */
  wait(session: Session, signal: AbortSignal): Promise<void> {
    if (signal.aborted || session.ended.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const end = (): void => {
        this.#hungry.delete(session);
        waiter.go();
      };
      const waiter: Waiter = {
        session,
        go: () => {
          this.#waiters.delete(waiter);
          signal.removeEventListener("abort", end);
          session.ended.removeEventListener("abort", end);
          resolve();
        },
      };
      this.#waiters.add(waiter);
      this.#hungry.add(session);
      signal.addEventListener("abort", end);
      session.ended.addEventListener("abort", end);
      if (this.#source.isFor(session)) waiter.go();
    });
  }

  /** To be called whenever there may be something. */
  wake(): void {
    if (this.#waiters.size === 0) return;
    let left = this.#source.amount();
    let woken = 0;
    for (const waiter of this.#waiters) {
      if (left <= 0) break;
      if (!this.#source.isFor(waiter.session)) continue;
      waiter.go();
      left--;
      woken++;
    }
    if (woken > 0 && left <= 0 && this.#waiters.size > 0) this.#lookAgain();
  }

  #lookAgain(): void {
    if (this.#isLookingAgain) return;
    this.#isLookingAgain = true;
    setImmediate(() => {
      this.#isLookingAgain = false;
      this.wake();
    });
  }
}
