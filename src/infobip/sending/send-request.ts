import type { InfobipCallOptions } from "../infobip-client.ts";
import { requestTraces } from "../request-trace.ts";
import type { QueuedJob } from "./queued-job.ts";

/** When and as what a request left the queue. */
export interface SendRequestStart {
  /** On the queue's clock. */
  readonly now: number;
  /** The circuit's probe that it is; 0: none. */
  readonly probe: number;
  /** The window that it belongs to. */
  readonly window: number;
}

/** One POST on its way, with one job or several. */
export class SendRequest {
  /** In the order of the body. Shrinks only before it leaves. */
  jobs: readonly QueuedJob[];
  /** On the queue's clock. */
  readonly startTime: number;
  readonly probe: number;
  readonly window: number;
  /** Whether the client has it; before that its jobs get ready. */
  isHandedOver = false;
  /** Whether bytes may have left. */
  isWritten = false;
  /** Whether it was ended before a byte had left. */
  isWithdrawn = false;
  /** When to give up the wait for an answer that no caller waits for any more; infinite while one does. */
  giveUpTime = Number.POSITIVE_INFINITY;
  #controller: AbortController | undefined;

  constructor(jobs: readonly QueuedJob[], { now, probe, window }: SendRequestStart) {
    this.jobs = jobs;
    this.startTime = now;
    this.probe = probe;
    this.window = window;
    for (const job of jobs) job.request = this;
  }

  get isShared(): boolean {
    return this.jobs.length > 1;
  }

  /** Jobs whose callers still wait. */
  get waitingJobs(): readonly QueuedJob[] {
    return this.jobs.filter((job) => !job.hasEnded);
  }

  get messages(): number {
    return this.jobs.reduce((sum, job) => sum + job.messages, 0);
  }

  get destinations(): number {
    return this.jobs.reduce((sum, job) => sum + job.cost, 0);
  }

  /** Ends the request from this side. */
  abort(): void {
    this.#controller?.abort();
  }

  /** What the client is to be told with the request. */
  callOptions(): InfobipCallOptions {
    this.#controller = new AbortController();
    const [first] = this.jobs;
    const only = this.isShared ? undefined : first?.job;
    const traces = requestTraces(this.jobs);
    return {
      signal: this.#controller.signal,
      messageIds: only?.messageIds ?? this.jobs.flatMap(({ job }) => job.messageIds),
      ...(only ? { fieldPath: only.fieldPath } : {}),
      ...(traces && { traces }),
      onWritten: () => {
        this.isWritten = true;
      },
    };
  }
}
