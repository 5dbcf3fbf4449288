import type { DatabaseSync, StatementSync } from "node:sqlite";
import {
  type AnswerLimits,
  type AnswerStore,
  answerBytes,
  fullFrom,
  type StoredAnswer,
} from "../../answer-store.ts";
import { requestIdsFull } from "../log-errors.ts";
import type { ReadGuard } from "../read-guard.ts";
import type { NewAnswer } from "./answer-buffer.ts";
import type { AnswerTotals } from "./answer-writer.ts";

/** Bytes of answers that leave for the writer before the turn of the event loop ends. */
const BATCH_BYTES = 1024 * 1024;

/** What {@link EmbeddedAnswers} works with. */
export interface EmbeddedAnswersParts {
  /** The reading connection. */
  readonly database: DatabaseSync;
  readonly guard: ReadGuard;
  readonly limits: AnswerLimits;
  /** Unix milliseconds. */
  readonly now: () => number;
  /** Stores answers; the first one for an id stays, unless it was saved at `expiredMs` or before. */
  readonly save: (answers: readonly NewAnswer[], timeMs: number, expiredMs: number) => Promise<AnswerTotals>;
}

interface WaitingAnswer extends NewAnswer {
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

type AnswerRow = [saveTimeMs: number, payloadHash: Uint8Array, response: Uint8Array];

/** See {@link AnswerStore}. Answers that come in one turn of the event loop go to the writer together. */
export class EmbeddedAnswers implements AnswerStore {
  readonly #parts: EmbeddedAnswersParts;
  readonly #find: StatementSync;
  #waiting: WaitingAnswer[] = [];
  #waitingBytes = 0;
  #stored: AnswerTotals;
  /** Of answers that are not stored yet. */
  #reservedBytes = 0;

  /** @throws an error of node:sqlite */
  constructor(parts: EmbeddedAnswersParts) {
    this.#parts = parts;
    this.#find = parts.database.prepare(
      "SELECT save_time, payload_hash, response FROM answers INDEXED BY answers_id WHERE id = ?",
    );
    this.#find.setReturnArrays(true);
    const { answers, bytes } = parts.database.prepare("SELECT answers, bytes FROM answer_state").get() ?? {};
    this.#stored = { answers: Number(answers), bytes: Number(bytes) };
  }

  /** What is stored, as of the last commit. */
  get stored(): AnswerTotals {
    return this.#stored;
  }

  async find(requestId: string): Promise<StoredAnswer | undefined> {
    const { guard, now, limits } = this.#parts;
    const row = guard.run(() => this.#find.get(requestId) as AnswerRow | undefined);
    if (row === undefined) return undefined;
    const [saveTimeMs, payloadHash, response] = row;
    return saveTimeMs <= now() - limits.windowMs ? undefined : { payloadHash, response };
  }

  hasRoom(): boolean {
    return this.#stored.bytes + this.#reservedBytes < fullFrom(this.#parts.limits.maxBytes);
  }

  save(requestId: string, answer: StoredAnswer): Promise<void> {
    const bytes = answerBytes(requestId, answer);
    if (this.#stored.bytes + this.#reservedBytes + bytes > this.#parts.limits.maxBytes)
      return Promise.reject(requestIdsFull());
    this.#reservedBytes += bytes;
    return new Promise((resolve, reject) => {
      this.#waiting.push({ requestId, answer, resolve, reject });
      this.#waitingBytes += bytes;
      if (this.#waitingBytes >= BATCH_BYTES) this.flush();
      else if (this.#waiting.length === 1) setImmediate(() => this.flush());
    });
  }

  /** Takes note of what is stored after answers were removed. */
  totalsChanged(totals: AnswerTotals): void {
    this.#stored = totals;
  }

  /** Gives the writer what waits. */
  flush(): void {
    if (this.#waiting.length === 0) return;
    const answers = this.#waiting;
    const bytes = this.#waitingBytes;
    this.#waiting = [];
    this.#waitingBytes = 0;
    const timeMs = Math.floor(this.#parts.now());
    this.#parts.save(answers, timeMs, timeMs - this.#parts.limits.windowMs).then(
      (totals) => {
        this.#reservedBytes -= bytes;
        this.totalsChanged(totals);
        for (const { resolve } of answers) resolve();
      },
      (error: unknown) => {
        this.#reservedBytes -= bytes;
        for (const { reject } of answers) reject(error);
      },
    );
  }
}
