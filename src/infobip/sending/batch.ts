import type { QueuedJob } from "./queued-job.ts";

/** Largest body that jobs of several callers share, in bytes; a larger job goes alone. */
export const MAX_SHARED_BODY_BYTES = 2 * 1024 * 1024;

/** Which jobs may come into a {@link Batch}. */
export interface BatchLimits {
  /** Most messages of several jobs together. */
  readonly maxMessages: number;
  /** Whether to take only a job that shares its request with nobody. */
  readonly onlyAlone: boolean;
}

/** Jobs that are about to share one request. */
export class Batch {
  readonly jobs: QueuedJob[] = [];
  messages = 0;
  destinations = 0;
  readonly #limits: BatchLimits;
  #bytes = 0;
  #ids: Set<string> | undefined;

  constructor(limits: BatchLimits) {
    this.#limits = limits;
  }

  /** Whether nothing more fits. */
  get isFull(): boolean {
    const [first] = this.jobs;
    return first !== undefined && (first.isAlone || this.messages >= this.#limits.maxMessages);
  }

  /** Whether a job may join the others. One that is larger than a batch may come first and then stays alone. */
  accepts(job: QueuedJob): boolean {
    const [first] = this.jobs;
    if (first === undefined) return job.isAlone || !this.#limits.onlyAlone;
    if (first.isAlone || job.isAlone) return false;
    if ((first.job.beforeSend === undefined) !== (job.job.beforeSend === undefined)) return false;
    if (this.messages + job.messages > this.#limits.maxMessages) return false;
    return this.#bytes + job.bytes <= MAX_SHARED_BODY_BYTES && !this.#knowsIdOf(job);
  }

  add(job: QueuedJob): void {
    if (this.#ids) addIds(this.#ids, job);
    this.jobs.push(job);
    this.messages += job.messages;
    this.destinations += job.cost;
    this.#bytes += job.bytes;
  }

  /** Answers are told apart by message id, so no two jobs of a request may have one in common. */
  #knowsIdOf(job: QueuedJob): boolean {
    if (this.#ids === undefined) {
      this.#ids = new Set();
      for (const other of this.jobs) addIds(this.#ids, other);
    }
    for (const id of job.job.messageIds) if (id !== "" && this.#ids.has(id)) return true;
    return false;
  }
}

function addIds(ids: Set<string>, { job }: QueuedJob): void {
  for (const id of job.messageIds) ids.add(id);
}
