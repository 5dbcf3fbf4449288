import { Alarm } from "../../alarm.ts";
import { ServiceError } from "../../errors.ts";
import { Batch } from "./batch.ts";
import { expectedWaitMs } from "./expected-wait.ts";
import { FairQueue } from "./fair-queue.ts";
import { stoppedError } from "./job-errors.ts";
import { bytesOf, QueuedJob } from "./queued-job.ts";
import { circuitOpen, draining, queueFull, wouldBeLate } from "./refusals.ts";
import { type Repeat, Repeats } from "./repeats.ts";
import { RequestEnds } from "./request-ends.ts";
import { RequestPace } from "./request-pace.ts";
import { RequestWindow } from "./request-window.ts";
import { runRequest } from "./run-request.ts";
import type { SendAnswer, SendJob, SendQueue, SendQueueState } from "./send-queue.ts";
import { DEFAULT_EAGER_REQUESTS, LATE_ANSWER_MS, type SendQueueOptions } from "./send-queue-options.ts";
import { SendRequest } from "./send-request.ts";

/**
 * Makes the way of all sends to Infobip. Must be disposed before its client:
 * that refuses new jobs, ends those that wait, and waits for the requests under
 * way, which disposing the client meanwhile cuts short.
 */
export function createSendQueue(options: SendQueueOptions): SendQueue {
  return new FairSendQueue(options);
}

class FairSendQueue implements SendQueue {
  readonly #options: SendQueueOptions;
  readonly #eagerRequests: number;
  readonly #queue: FairQueue;
  readonly #repeats = new Repeats();
  readonly #requests = new Set<SendRequest>();
  readonly #pace = new RequestPace();
  readonly #window: RequestWindow;
  readonly #ends: RequestEnds;
  readonly #wakeUp: Alarm;
  readonly #atEndOfTurn: (callback: () => void) => void;
  #circuit: SendQueueState["circuit"] = "closed";
  /** Since when what waits in the queue has waited for company. */
  #gatheringSince = 0;
  #isStarting = false;
  #startsAtEndOfTurn = false;
  #isDraining = false;
  #closing: PromiseWithResolvers<void> | undefined;

  constructor(options: SendQueueOptions) {
    const { limits, limiter, timer } = options;
    this.#options = options;
    this.#atEndOfTurn = options.atEndOfTurn ?? setImmediate;
    this.#eagerRequests = limits.eagerRequests ?? DEFAULT_EAGER_REQUESTS;
    this.#queue = new FairQueue(limiter, limits.maxBatch);
    this.#window = new RequestWindow(limits.connections, timer.now);
    this.#wakeUp = new Alarm(timer, () => this.#wake());
    this.#ends = new RequestEnds({
      ...options,
      pace: this.#pace,
      window: this.#window,
      again: (repeat) => this.#goAgain(repeat),
    });
  }

  send(job: SendJob): Promise<SendAnswer> {
    const bytes = bytesOf(job);
    const refusal = this.#refusalOf(job, bytes);
    if (refusal) return Promise.reject(refusal);
    return new Promise((resolve, reject) => {
      const now = this.#options.timer.now();
      if (this.#queue.jobs === 0) this.#gatheringSince = now;
      this.#queue.push(new QueuedJob(job, bytes, now, { aborted: this.#aborted, resolve, reject }));
      this.#startSoon();
    });
  }

  state(): SendQueueState {
    return {
      queuedJobs: this.#queue.jobs + this.#repeats.jobs,
      queuedBytes: this.#queue.bytes + this.#repeats.bytes,
      requests: this.#requests.size,
      circuit: this.#options.breaker.state,
      pausedMs: this.#options.limiter.pausedMs(),
      oldestMs: this.#oldestMs(),
      rateLimitMs: this.#queue.rateLimitMs(),
    };
  }

  [Symbol.asyncDispose](): Promise<void> {
    if (!this.#closing) {
      this.#closing = Promise.withResolvers();
      this.#isDraining = true;
      this.#endQueued(draining());
      this.#closeIfDone();
    }
    return this.#closing.promise;
  }

  #oldestMs(): number {
    const since = Math.min(this.#queue.oldestTime(), this.#repeats.oldestTime);
    return since === Number.POSITIVE_INFINITY ? 0 : Math.max(0, this.#options.timer.now() - since);
  }

  #refusalOf(job: SendJob, bytes: number): ServiceError | undefined {
    const { limits, limiter, breaker } = this.#options;
    if (this.#isDraining) return draining();
    const { signal, timeoutMs = Number.POSITIVE_INFINITY } = job;
    if (signal.aborted || timeoutMs <= 0) return stoppedError(job, "QUEUE", timeoutMs <= 0);
    const circuitMs = breaker.waitMs();
    if (breaker.state === "open" && circuitMs > 0) return circuitOpen(circuitMs);
    if (this.#queue.jobs + this.#repeats.jobs >= limits.maxJobs) return queueFull(`${limits.maxJobs} calls`);
    if (this.#queue.bytes + this.#repeats.bytes + bytes > limits.maxBytes) {
      return queueFull(`${limits.maxBytes} bytes`);
    }
    if (timeoutMs === Number.POSITIVE_INFINITY) return undefined;
    const factors = { queue: this.#queue, limiter, pace: this.#pace, connections: limits.connections };
    return expectedWaitMs(job, factors) > timeoutMs ? wouldBeLate() : undefined;
  }

  /**
   * With nothing under way a job leaves at once. Otherwise there are other
   * callers: what else has come in this turn of the event loop goes along.
   */
  #startSoon(): void {
    if (this.#requests.size === 0) {
      this.#startAll();
      return;
    }
    if (this.#startsAtEndOfTurn) return;
    this.#startsAtEndOfTurn = true;
    this.#atEndOfTurn(() => {
      this.#startsAtEndOfTurn = false;
      this.#startAll();
    });
  }

  /** Starts what may start. What is called meanwhile may send: the loop takes that along. */
  #startAll(): void {
    if (this.#isStarting) return;
    this.#isStarting = true;
    while (this.#startNext());
    this.#isStarting = false;
    this.#noteCircuit();
  }

  #startNext(): boolean {
    const { breaker, limiter, limits, timer } = this.#options;
    if (this.#requests.size >= limits.connections) return false;
    if (this.#queue.isIdle && this.#repeats.jobs === 0) return false;
    const now = timer.now();
    const circuitMs = breaker.waitMs();
    // While the probe of a half-open circuit is under way the others wait for what it tells.
    if (circuitMs > 0 && breaker.state === "open") this.#endQueued(circuitOpen(circuitMs));
    const heldMs = Math.max(limiter.pausedMs(), circuitMs) || this.#window.waitMs();
    if (heldMs > 0) {
      this.#wakeUp.by(now + heldMs);
      return false;
    }
    const jobs = this.#repeats.takeDue(now, true) ?? this.#nextBatch(now);
    if (!jobs) return false;
    this.#start(jobs, now);
    return true;
  }

  #start(jobs: readonly QueuedJob[], now: number): void {
    const { breaker } = this.#options;
    breaker.admit();
    this.#window.started();
    const request = new SendRequest(jobs, { now, probe: breaker.probe, window: this.#window.epoch });
    this.#requests.add(request);
    void this.#run(request);
  }

  #nextBatch(now: number): readonly QueuedJob[] | undefined {
    const { limits, budget } = this.#options;
    const repeated = this.#repeats.takeDue(now, false);
    for (const job of repeated?.toReversed() ?? []) this.#queue.pushFront(job);
    this.#wakeUp.by(this.#repeats.nextDue);
    const gathersUntil = this.#gatheringSince + this.#pace.lingerMs;
    const isGathering =
      this.#requests.size >= this.#eagerRequests &&
      this.#queue.readyMessages < limits.maxBatch &&
      now < gathersUntil;
    if (isGathering) this.#wakeUp.by(gathersUntil);
    if (isGathering && this.#queue.aloneJobs === 0) return undefined;
    const batch = new Batch({ maxMessages: limits.maxBatch, onlyAlone: isGathering });
    this.#queue.fill(batch);
    this.#wakeUp.by(now + this.#queue.blockedMs);
    if (!isGathering) this.#gatheringSince = now;
    if (batch.jobs.length === 0) return undefined;
    budget.deposit();
    return batch.jobs;
  }

  async #run(request: SendRequest): Promise<void> {
    const result = await runRequest(request, this.#options.client);
    this.#requests.delete(request);
    if (result === undefined) this.#ends.withdrawn(request);
    else if (result instanceof ServiceError) this.#ends.failed(request, result);
    else this.#ends.answered(request, result);
    this.#startAll();
    this.#closeIfDone();
  }

  #goAgain(repeat: Repeat): void {
    if (this.#isDraining) for (const job of repeat.jobs) job.fail(draining());
    else {
      this.#repeats.add(repeat);
      this.#wakeUp.by(repeat.dueTime);
    }
  }

  readonly #aborted = (job: QueuedJob): void => {
    const now = this.#options.timer.now();
    const isLate = now >= job.deadline;
    const { request } = job;
    if (!request) {
      this.#queue.remove(job);
      this.#repeats.remove(job);
    }
    if (!request?.isHandedOver) {
      job.fail(stoppedError(job.job, "QUEUE", isLate));
      this.#startAll();
    } else if (request.isWritten) {
      job.fail(stoppedError(job.job, "ANSWER", isLate));
      if (request.waitingJobs.length > 0) return;
      request.giveUpTime = now + LATE_ANSWER_MS;
      this.#wakeUp.by(request.giveUpTime);
    } else {
      job.fail(stoppedError(job.job, "CONNECT", isLate));
      request.isWithdrawn = true;
      request.abort();
    }
  };

  #wake(): void {
    const now = this.#options.timer.now();
    for (const request of this.#requests) {
      if (request.giveUpTime <= now) {
        request.giveUpTime = Number.POSITIVE_INFINITY;
        request.abort();
      }
      this.#wakeUp.by(request.giveUpTime);
    }
    this.#startAll();
  }

  #endQueued(error: ServiceError): void {
    for (const job of [...this.#repeats.clear(), ...this.#queue.clear()]) job.fail(error);
  }

  #noteCircuit(): void {
    const { breaker, hooks } = this.#options;
    if (breaker.state === this.#circuit) return;
    this.#circuit = breaker.state;
    hooks?.onCircuit?.(this.#circuit);
  }

  #closeIfDone(): void {
    if (!this.#isDraining || this.#requests.size > 0) return;
    this.#wakeUp.stop();
    this.#closing?.resolve();
  }
}
