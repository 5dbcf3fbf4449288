import type { MessageResponse } from "../../../gen/infobip/messages/v1/response_pb.js";
import type { ServiceError } from "../../errors.ts";
import type { Outcome } from "../error-context.ts";
import { DEFAULT_RETRY_DELAY_MS } from "../retry-after.ts";
import {
  isRateLimited,
  isRefusedForContents,
  isRepeatable,
  isUnreachable,
  isUnsent,
  signOf,
} from "./failure-kind.ts";
import { jobError, stoppedError } from "./job-errors.ts";
import { matchAnswers } from "./match-answers.ts";
import type { QueuedJob } from "./queued-job.ts";
import type { Repeat } from "./repeats.ts";
import type { RequestPace } from "./request-pace.ts";
import type { RequestWindow } from "./request-window.ts";
import { retryDelayMs } from "./retry-delay.ts";
import type { SendHooks } from "./send-hooks.ts";
import type { SendQueueOptions } from "./send-queue-options.ts";
import type { SendRequest } from "./send-request.ts";

/** What {@link RequestEnds} works with. */
export interface RequestEndsOptions extends SendQueueOptions {
  readonly pace: RequestPace;
  readonly window: RequestWindow;
  /** Takes jobs that are to go out again; ends them when nothing may go out any more. */
  readonly again: (repeat: Repeat) => void;
}

/** Decides what becomes of the jobs of a request that has ended. */
export class RequestEnds {
  readonly #options: RequestEndsOptions;
  readonly #hooks: Partial<SendHooks>;

  constructor(options: RequestEndsOptions) {
    this.#options = options;
    this.#hooks = options.hooks ?? {};
  }

  /** All jobs have ended before the request left. */
  withdrawn(request: SendRequest): void {
    const { breaker, window } = this.#options;
    window.ended(request.window, false);
    breaker.abandoned(request.probe);
  }

  /** Infobip took the request. */
  answered(request: SendRequest, response: MessageResponse): void {
    this.#sawLife(request);
    this.#options.window.ended(request.window, true);
    this.#report(request, undefined);
    const { bulkId } = response;
    const answers = matchAnswers(
      response,
      request.jobs.map(({ job }) => job.messageIds),
    );
    for (const [index, job] of request.jobs.entries()) job.answer({ bulkId, answers: answers[index] ?? [] });
  }

  /** The request failed, or was ended from this side. */
  failed(request: SendRequest, error: ServiceError): void {
    const { timer } = this.#options;
    this.#learn(request, error);
    this.#report(request, error);
    if (request.isWithdrawn && !request.isWritten && isUnsent(error.metadata)) {
      this.#goAgain(request.waitingJobs, timer.now(), true);
    } else if (request.isShared && isRefusedForContents(error)) {
      this.#split(request);
    } else if (isRepeatable(error)) {
      this.#retry(request, error);
    } else {
      const { isShared } = request;
      for (const job of request.jobs) job.fail(jobError({ error, job: job.job, isShared }));
    }
  }

  #learn(request: SendRequest, error: ServiceError): void {
    const { breaker, window } = this.#options;
    const sign = signOf(error);
    if (sign === "FAILURE") breaker.failed(request.probe);
    else if (sign === "NOTHING") breaker.abandoned(request.probe);
    else this.#sawLife(request);
    const isLimited = isRateLimited(error);
    window.ended(request.window, sign === "LIFE" && !isLimited);
    if (isLimited) this.#pause(error.retryDelayMs ?? DEFAULT_RETRY_DELAY_MS);
  }

  #sawLife(request: SendRequest): void {
    const { breaker, pace, timer, window } = this.#options;
    const now = timer.now();
    pace.observe(now - request.startTime);
    // Those who come back after an outage come back together.
    if (breaker.state !== "closed") window.narrow(now);
    breaker.succeeded();
  }

  #pause(forMs: number): void {
    const { limiter, timer, window } = this.#options;
    const untilMs = timer.now() + forMs;
    limiter.pauseUntil(untilMs);
    window.narrow(untilMs);
    this.#hooks.onPaused?.(forMs);
  }

  /** One of the jobs is to blame, and nothing was sent: each half goes again until each culprit stands alone. */
  #split(request: SendRequest): void {
    const now = this.#options.timer.now();
    const waiting = request.waitingJobs;
    for (const job of request.jobs) {
      if (job.hasEnded) job.fail(stoppedError(job.job, "QUEUE", now >= job.deadline));
    }
    const middle = Math.ceil(waiting.length / 2);
    this.#goAgain(waiting.slice(0, middle), now, true);
    this.#goAgain(waiting.slice(middle), now, true);
  }

  /**
   * After a 429 everyone waits, and then one request goes at a time: repeats
   * add nothing to Infobip's load, so they need no budget, and no bound but the
   * caller's deadline where there is one.
   */
  #retry(request: SendRequest, error: ServiceError): void {
    const { breaker, budget, limits, random, timer } = this.#options;
    const now = timer.now();
    const isLimited = isRateLimited(error);
    for (const job of request.jobs) countAttempt(job, isLimited && limits.maxAttempts > 1);
    const attempt = isLimited ? 1 : Math.max(...request.jobs.map((job) => job.failures));
    const delayMs = retryDelayMs({ attempt, retryAfterMs: error.retryDelayMs, random });
    const mayGo = (job: QueuedJob): boolean =>
      !job.hasEnded &&
      job.job.beforeSend === undefined &&
      job.failures < limits.maxAttempts &&
      now + delayMs < job.deadline;
    const candidates = breaker.state === "open" ? [] : request.jobs.filter(mayGo);
    const isGranted = candidates.length > 0 && (isLimited || budget.withdraw());
    const repeated = isGranted ? candidates : [];
    const { isShared } = request;
    for (const job of request.jobs) {
      if (repeated.includes(job)) continue;
      job.fail(jobError({ error, job: job.job, isShared, attempts: job.attempts }));
    }
    if (repeated.length === 0) return;
    const attempts = Math.max(...repeated.map((job) => job.attempts));
    this.#hooks.onRetry?.({ jobs: repeated.length, attempts, delayMs, reason: error.reason });
    // What reached nobody has cost nothing.
    this.#goAgain(repeated, now + delayMs, isUnreachable(error));
  }

  #goAgain(jobs: readonly QueuedJob[], dueTime: number, isPaid: boolean): void {
    for (const job of jobs) job.request = undefined;
    if (jobs.length > 0) this.#options.again({ jobs: [...jobs], dueTime, isPaid });
  }

  #report(request: SendRequest, error: ServiceError | undefined): void {
    const { onRequest } = this.#hooks;
    if (!onRequest) return;
    onRequest({
      endpoint: request.jobs[0]?.job.body.endpoint ?? "messages",
      jobs: request.jobs.length,
      messages: request.messages,
      destinations: request.destinations,
      durationMs: this.#options.timer.now() - request.startTime,
      outcome: error === undefined ? "SENT" : ((error.metadata.outcome as Outcome | undefined) ?? "UNKNOWN"),
      reason: error?.reason,
    });
  }
}

/** `isFree`: it is no failed attempt of a job that has a deadline to bound its wait. */
function countAttempt(job: QueuedJob, isFree: boolean): void {
  job.attempts++;
  if (!isFree || job.deadline === Number.POSITIVE_INFINITY) job.failures++;
}
