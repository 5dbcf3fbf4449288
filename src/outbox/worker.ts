import type {
  SendMessagesRequest,
  SendMessagesResponse,
} from "../../gen/infobip/messages/v1/send_messages_pb.js";
import { SubmissionState } from "../../gen/infobip/messages/v1/submission_pb.js";
import { ensureServiceError, ServiceError } from "../errors.ts";
import type { Commits } from "./commits.ts";
import type { Entries } from "./entries.ts";
import type { Entry } from "./entry.ts";
import { type Gate, isGeneral } from "./gate.ts";
import type { SendSubmission } from "./outbox.ts";
import { notStored, outboxDraining, tooLate, unreadable, withdrawn } from "./outbox-errors.ts";
import type { Settlements } from "./settlements.ts";
import { decodeOutcome } from "./stored-outcome.ts";
import { submissionEvent } from "./submission-event.ts";
import { isRefusal, judgeAnswer, judgeEnd, judgeError, judgeRefusal, type Verdict } from "./verdict.ts";
import type { Window } from "./window.ts";

/** What {@link Worker} works with. */
export interface WorkerOptions {
  readonly window: Window;
  readonly gate: Gate;
  readonly commits: Commits;
  readonly entries: Entries;
  readonly settlements: Settlements;
  readonly send: SendSubmission;
  /** Most submissions, and bytes of them, that are handed over at one time. */
  readonly concurrency: number;
  readonly concurrencyBytes: number;
  /** Unix milliseconds. */
  readonly now: () => number;
  readonly random: () => number;
  /** A submission is SENDING. */
  readonly onSending: (entry: Entry) => void;
  readonly onInternalError: (error: unknown) => void;
  /** A place has become free. */
  readonly onFree: () => void;
}

/** Hands submissions over for sending, in order and a bounded number at a time, and judges how that ended. */
export class Worker {
  readonly #options: WorkerOptions;
  #inFlight = 0;
  #inFlightBytes = 0;
  #sends = 0;
  #isStopping = false;
  #idle: (() => void)[] = [];

  constructor(options: WorkerOptions) {
    this.#options = options;
  }

  /** Submissions that are handed over and not yet settled. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /** Hands over what may go now. */
  run(): void {
    const { window, gate } = this.#options;
    while (!this.#isStopping && gate.waitMs === 0) {
      const next = window.peek();
      if (next === undefined || !this.#hasPlace(next)) return;
      window.shift();
      if (this.#options.now() >= next.record.expireAfterMs) void this.#settle(next, "EXPIRED");
      else this.#handOver(next);
    }
  }

  /** Ends a submission that has not begun to leave. Resolves when that is durable; rejects with ServiceError when it could not be stored so far. */
  end(entry: Entry, how: "CANCELLED" | "EXPIRED"): Promise<void> {
    if (entry.phase === "READY") this.#options.window.withdrawn(entry);
    const { abort } = entry;
    const settled = this.#settle(entry, how);
    abort?.abort(withdrawn());
    return settled;
  }

  /** Hands nothing more over, and takes back what has not begun to leave. */
  stop(): void {
    this.#isStopping = true;
    for (const entry of this.#options.entries.values()) {
      if (entry.phase === "HANDED") entry.abort?.abort(outboxDraining());
    }
  }

  /** Ends the wait for everything that is under way. */
  abandon(): void {
    for (const { abort } of this.#options.entries.values()) abort?.abort(outboxDraining());
  }

  /** Stores that the submissions of which SENDING is perhaps stored are QUEUED: nothing has left by them. */
  confirm(): void {
    for (const entry of this.#options.entries.values()) {
      if (entry.phase !== "READY" || entry.unconfirmed === undefined) continue;
      const { state, dueTimeMs, outcome } = entry.record;
      const verdict = { state, dueTimeMs, outcome: decodeOutcome(outcome, true), errorReason: undefined };
      void this.#options.settlements.settle(entry, verdict);
    }
  }

  /** Resolves when nothing is handed over any more. */
  async idle(): Promise<void> {
    while (this.#sends > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  #hasPlace(entry: Entry): boolean {
    const { concurrency, concurrencyBytes } = this.#options;
    if (this.#inFlight === 0) return true;
    return this.#inFlight < concurrency && this.#inFlightBytes + entry.bytes <= concurrencyBytes;
  }

  #settle(entry: Entry, how: "CANCELLED" | "EXPIRED"): Promise<void> {
    return this.#options.settlements.settle(entry, judgeEnd(how, decodeOutcome(entry.record.outcome, true)));
  }

  #handOver(entry: Entry): void {
    const request = this.#requestOf(entry);
    if (request === undefined) return;
    const { bytes } = entry;
    entry.phase = "HANDED";
    entry.isProbe = this.#options.gate.pass();
    entry.abort = new AbortController();
    this.#inFlight++;
    this.#inFlightBytes += bytes;
    entry.release = () => {
      entry.release = undefined;
      this.#inFlight--;
      this.#inFlightBytes -= bytes;
    };
    this.#sends++;
    void this.#attempt(entry, request, entry.abort.signal);
  }

  #requestOf(entry: Entry): SendMessagesRequest | undefined {
    try {
      return entry.request;
    } catch (cause) {
      this.#options.onInternalError(cause);
      const before = decodeOutcome(entry.record.outcome, true);
      void this.#options.settlements.settle(entry, judgeRefusal(before, unreadable(cause)));
      return undefined;
    }
  }

  /** Never rejects. */
  async #attempt(entry: Entry, request: SendMessagesRequest, signal: AbortSignal): Promise<void> {
    let result: SendMessagesResponse | ServiceError;
    try {
      result = await this.#options.send(request, {
        signal,
        timeoutMs: Math.max(1, entry.record.expireAfterMs - this.#options.now()),
        coalesce: request.coalesce !== false,
        trace: entry.trace,
        beforeSend: () => this.#begin(entry, signal),
        // Only a stop ends the wait for a request that has left; the next start decides by the policy.
        onLate: ignore,
      });
    } catch (error) {
      if (!(error instanceof ServiceError)) this.#options.onInternalError(error);
      result = ensureServiceError(error);
    }
    await entry.starting;
    try {
      this.#conclude(entry, result);
    } catch (error) {
      this.#options.onInternalError(error);
    }
    this.#sends--;
    if (this.#sends === 0) for (const resolve of this.#idle.splice(0)) resolve();
    this.#options.onFree();
  }

  /** Makes SENDING durable; each request that the submission leaves with is an attempt. */
  #begin(entry: Entry, signal: AbortSignal): Promise<void> {
    const { record } = entry;
    if (entry.phase !== "HANDED" && entry.phase !== "SENDING") return Promise.reject(withdrawn());
    if (this.#isStopping) return Promise.reject(outboxDraining());
    const nowMs = this.#options.now();
    if (nowMs >= record.expireAfterMs) return Promise.reject(tooLate());
    const isUncertain = entry.unconfirmed !== undefined;
    const next = entry.unconfirmed ?? {
      ...record,
      state: SubmissionState.SENDING,
      attempts: record.attempts + 1,
      updateTimeMs: Math.max(nowMs, record.updateTimeMs),
    };
    const before = entry.phase;
    entry.phase = "STARTING";
    const event = submissionEvent(next, entry.face, undefined);
    const stored = this.#options.commits.put(next, record, event, isUncertain).then(
      () => {
        entry.record = next;
        entry.unconfirmed = undefined;
        entry.phase = "SENDING";
        this.#options.onSending(entry);
        if (signal.aborted) throw outboxDraining();
      },
      (error: unknown) => {
        entry.unconfirmed = next;
        entry.phase = before;
        throw notStored(error);
      },
    );
    entry.starting = stored.catch(ignore);
    return stored;
  }

  #conclude(entry: Entry, result: SendMessagesResponse | ServiceError): void {
    const isOver = entry.phase === "SETTLING";
    this.#tellGate(result, entry.isProbe, isOver);
    if (isOver) return;
    const hasBegun = entry.record.state === SubmissionState.SENDING;
    entry.abort = undefined;
    if (hasBegun || !(result instanceof ServiceError) || !this.#takeBack(entry, result)) {
      void this.#options.settlements.settle(entry, this.#judge(entry, result, hasBegun));
    }
  }

  /** Takes back what has not begun to leave, for a reason that is not its own; nothing has changed of it. */
  #takeBack(entry: Entry, error: ServiceError): boolean {
    if (this.#isStopping && entry.unconfirmed === undefined) {
      this.#options.entries.close(entry);
      return true;
    }
    if (!isGeneral(error)) return false;
    entry.release?.();
    this.#options.window.putBack(entry);
    return true;
  }

  #judge(entry: Entry, result: SendMessagesResponse | ServiceError, hasBegun: boolean): Verdict {
    const { record } = entry;
    const before = decodeOutcome(record.outcome, true);
    const context = this.#context();
    if (!(result instanceof ServiceError)) return judgeAnswer(record, before, result, context);
    if (!hasBegun && context.nowMs >= record.expireAfterMs) return judgeEnd("EXPIRED", before);
    return judgeError(record, before, result, hasBegun, context);
  }

  #tellGate(result: SendMessagesResponse | ServiceError, isProbe: boolean, isOver: boolean): void {
    const { gate } = this.#options;
    if (!(result instanceof ServiceError) || isRefusal(result)) gate.succeeded(isProbe);
    else if (!isOver && isGeneral(result)) gate.failed(result, isProbe);
    else gate.abandoned(isProbe);
  }

  #context(): { nowMs: number; random: () => number } {
    return { nowMs: this.#options.now(), random: this.#options.random };
  }
}

function ignore(): void {}
