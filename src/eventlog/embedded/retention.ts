import type { Timer } from "../../timer.ts";
import type { LogBounds, RetentionLimits } from "../event-log.ts";
import { RetentionClock, type RetentionClockParts } from "./retention-clock.ts";

/** Age past which events are removed, unless told otherwise: 7 days. */
export const DEFAULT_RETENTION_AGE_MS = 7 * 24 * 60 * 60 * 1000;
/** Bytes in use past which the oldest events are removed, unless told otherwise. */
export const DEFAULT_RETENTION_BYTES = 10 * 1024 * 1024 * 1024;
/** Time between two checks, in milliseconds. */
export const RETENTION_INTERVAL_MS = 10_000;
/** Bytes of appended events after which a check does not wait for its time: a quarter of the room that the file has beyond the limit. */
export const RETENTION_CHECK_BYTES = 16 * 1024 * 1024;
/** Share of the limit of bytes down to which a removal goes, so that not every check removes a little. */
const REMOVE_DOWN_TO = 0.95;

/** The log as its retention sees it. */
export interface RetainedLog {
  bounds(): LogBounds;
  positionAtTime(timeMs: number): Promise<number>;
  /** Removes the oldest events up to a position not past the head, or as many of them as one step takes. */
  removeStep(target: number): Promise<void>;
  usedBytes(): number;
}

/** What {@link Retention} works with. */
export interface RetentionParts extends RetentionClockParts {
  readonly log: RetainedLog;
  readonly limits: RetentionLimits;
  readonly timer: Timer;
  /** A check has removed events. */
  readonly onRemoved: () => void;
  /** A check could not do its work; the next one tries again. */
  readonly onFailed: (error: Error) => void;
}

/**
 * Removes what is older than the limit of age, and the oldest of what is over
 * the limit of bytes, in small steps that let appends through. Dead letters and
 * subscriptions count as bytes in use but are never removed.
 */
export class Retention {
  readonly #parts: RetentionParts;
  readonly #clock: RetentionClock;
  #callOff: (() => void) | undefined;
  #checking: Promise<void> | undefined;
  #isStopped = false;
  #checkedAtBytes = 0;

  constructor(parts: RetentionParts) {
    this.#parts = parts;
    this.#clock = new RetentionClock(parts);
    this.#schedule();
  }

  get limits(): RetentionLimits {
    return this.#parts.limits;
  }

  /** Says how many bytes of events were taken for the log in all, so that fast ones do not fill the file between two checks. */
  taken(bytes: number): void {
    if (bytes - this.#checkedAtBytes < RETENTION_CHECK_BYTES) return;
    this.#checkedAtBytes = bytes;
    void this.check();
  }

  /** Checks now, or joins the check in progress. Never rejects. */
  check(): Promise<void> {
    if (this.#isStopped) return Promise.resolve();
    this.#checking ??= this.#check().finally(() => {
      this.#checking = undefined;
    });
    return this.#checking;
  }

  /** Checks no more; resolves when the step in progress has ended. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#callOff?.();
    await this.#checking;
  }

  #schedule(): void {
    if (this.#isStopped) return;
    this.#callOff = this.#parts.timer.schedule(RETENTION_INTERVAL_MS, () => {
      void this.check().then(() => this.#schedule());
    });
  }

  async #check(): Promise<void> {
    const { log, limits, onRemoved, onFailed } = this.#parts;
    const before = log.bounds().earliest;
    try {
      const tooOld = await log.positionAtTime(this.#clock.now() - limits.ageMs);
      await this.#removeWhile((earliest) => earliest < tooOld, tooOld);
      if (log.usedBytes() > limits.bytes)
        await this.#removeWhile(() => log.usedBytes() > limits.bytes * REMOVE_DOWN_TO);
    } catch (error) {
      if (!this.#isStopped) onFailed(error instanceof Error ? error : new Error(String(error)));
    }
    if (!this.#isStopped && log.bounds().earliest > before) onRemoved();
  }

  async #removeWhile(
    isTooMuch: (earliest: number) => boolean,
    upTo = Number.MAX_SAFE_INTEGER,
  ): Promise<void> {
    const { log } = this.#parts;
    for (;;) {
      const { earliest, head } = log.bounds();
      if (this.#isStopped || earliest >= head || !isTooMuch(earliest)) return;
      await log.removeStep(Math.min(upTo, head));
    }
  }
}
