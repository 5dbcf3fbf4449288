import type { ClockTimer } from "../timer.ts";
import type { FleetLimits } from "./fleet-options.ts";
import { type Frame, FrameType } from "./frame.ts";
import { type Answer, decodeText, encodeText } from "./frame-bodies.ts";
import type { Wire } from "./wire.ts";

/** What came of a question. UNCLEAR: no connection, or this process did not run. */
export type AskResult = Answer | "NOBODY" | "SILENT" | "UNCLEAR";

/** A timer that rings so much too late was held back: the answer may be here and unread. */
const LATE_MS = 1_000;
/** Most owners of which it is remembered that they did not answer. */
const MAX_SILENT = 1_000;

interface Question {
  readonly owner: string;
  readonly answer: (result: AskResult) => void;
}

/**
 * Questions to other processes whether they own a unit. One that has just left
 * a question unanswered is not waited for again until it is heard, or for as
 * long as silence counts: it may own a thousand units.
 */
export class Asks {
  readonly #wire: Wire;
  readonly #timer: ClockTimer;
  readonly #limits: FleetLimits;
  readonly #open = new Map<number, Question>();
  /** Owners that did not answer, and when that was clear. */
  readonly #silent = new Map<string, number>();

  constructor(wire: Wire, timer: ClockTimer, limits: FleetLimits) {
    this.#wire = wire;
    this.#timer = timer;
    this.#limits = limits;
  }

  /** Never rejects. `number` must be used by no call and no other question of this process. */
  async ask(owner: string, unit: string, number: number): Promise<AskResult> {
    const { promise, resolve } = Promise.withResolvers<AskResult>();
    const startedAt = this.#timer.now();
    const { askTimeoutMs } = this.#limits;
    if (this.#isSilent(owner, startedAt)) return "SILENT";
    const callOff = this.#timer.schedule(askTimeoutMs, () => {
      const isLate = this.#timer.now() - startedAt > askTimeoutMs + LATE_MS;
      resolve(isLate || !this.#wire.isConnected ? "UNCLEAR" : "SILENT");
    });
    this.#open.set(number, { owner, answer: resolve });
    try {
      const head = { type: FrameType.ASK, call: number, body: encodeText(unit) };
      if (!this.#wire.send(owner, head, true)) return "UNCLEAR";
      const result = await promise;
      if (result === "SILENT") this.#noteSilent(owner);
      return result;
    } finally {
      callOff();
      this.#open.delete(number);
    }
  }

  /** Something came from a process. */
  heard(owner: string): void {
    if (this.#silent.size > 0) this.#silent.delete(owner);
  }

  answered({ from, call, body }: Frame): void {
    const question = this.#open.get(call);
    if (question?.owner === from) question.answer(decodeText(body) as Answer);
  }

  /** Nobody listens where a question went; false when it was no question. */
  nobody(number: number): boolean {
    const question = this.#open.get(number);
    question?.answer("NOBODY");
    return question !== undefined;
  }

  /** The connection is lost, and with it the answers. */
  abandon(): void {
    this.#silent.clear();
    for (const { answer } of this.#open.values()) answer("UNCLEAR");
  }

  #isSilent(owner: string, nowMs: number): boolean {
    const sinceMs = this.#silent.get(owner);
    if (sinceMs === undefined) return false;
    if (nowMs - sinceMs < this.#limits.silenceMs) return true;
    this.#silent.delete(owner);
    return false;
  }

  #noteSilent(owner: string): void {
    if (this.#silent.size < MAX_SILENT) this.#silent.set(owner, this.#timer.now());
  }
}
