import type { QueuedJob } from "./queued-job.ts";

/** Jobs that go out again together. */
export interface Repeat {
  readonly jobs: QueuedJob[];
  /** When they may go, on the queue's clock. */
  readonly dueTime: number;
  /** Whether they go ahead of the queue, at no cost, as they are; otherwise back to the heads of their flows. */
  readonly isPaid: boolean;
}

/**
 * What goes out again: parts of a refused batch, jobs of a request that was
 * withdrawn, retries. Bounded by the jobs that were under way: nothing else
 * goes out while one of these could, and a retry budget bounds the rest.
 */
export class Repeats {
  #waiting: Repeat[] = [];
  #jobs = 0;
  #bytes = 0;

  get jobs(): number {
    return this.#jobs;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** When the first of them is due; infinite when none waits. */
  get nextDue(): number {
    let next = Number.POSITIVE_INFINITY;
    for (const { dueTime } of this.#waiting) next = Math.min(next, dueTime);
    return next;
  }

  /** When the job that came first of them came; infinite when none waits. */
  get oldestTime(): number {
    let oldest = Number.POSITIVE_INFINITY;
    for (const { jobs } of this.#waiting) for (const job of jobs) oldest = Math.min(oldest, job.since);
    return oldest;
  }

  add(repeat: Repeat): void {
    this.#waiting.push(repeat);
    for (const job of repeat.jobs) {
      job.repeat = repeat;
      this.#count(job, 1);
    }
  }

  /** Takes the first of those that are due and for which this holds. */
  takeDue(now: number, isPaid: boolean): readonly QueuedJob[] | undefined {
    if (this.#waiting.length === 0) return undefined;
    const index = this.#waiting.findIndex((repeat) => repeat.dueTime <= now && repeat.isPaid === isPaid);
    const [taken] = index === -1 ? [] : this.#waiting.splice(index, 1);
    if (taken) this.#release(taken);
    return taken?.jobs;
  }

  /** Takes one job out. */
  remove(job: QueuedJob): void {
    const { repeat } = job;
    if (!repeat) return;
    repeat.jobs.splice(repeat.jobs.indexOf(job), 1);
    job.repeat = undefined;
    this.#count(job, -1);
    if (repeat.jobs.length === 0) this.#waiting.splice(this.#waiting.indexOf(repeat), 1);
  }

  clear(): QueuedJob[] {
    const all = this.#waiting;
    this.#waiting = [];
    for (const repeat of all) this.#release(repeat);
    return all.flatMap((repeat) => repeat.jobs);
  }

  #release(repeat: Repeat): void {
    for (const job of repeat.jobs) {
      job.repeat = undefined;
      this.#count(job, -1);
    }
  }

  #count(job: QueuedJob, sign: 1 | -1): void {
    this.#jobs += sign;
    this.#bytes += sign * job.bytes;
  }
}
