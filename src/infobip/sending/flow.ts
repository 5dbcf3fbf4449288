import type { Lane } from "./lane.ts";
import type { QueuedJob } from "./queued-job.ts";
import type { RateDebt } from "./rate-limiter.ts";
import type { ChannelCount } from "./send-queue.ts";

/** What an oversized job of a flow has left to pay, and by which limits. */
export interface FlowDebt {
  readonly debt: RateDebt;
  readonly channels: readonly ChannelCount[];
}

/** The waiting jobs of one caller on one channel, in order. Knows its neighbours among the flows. */
export class Flow {
  readonly name: string;
  readonly lane: Lane;
  next: Flow | undefined;
  previous: Flow | undefined;
  first: QueuedJob | undefined;
  last: QueuedJob | undefined;
  /** Destinations that it may send in its turn. */
  credit: number;
  /** Paid in this flow's turns, before its next job. */
  debt: FlowDebt | undefined;
  /** Grows from flow to flow in the order of their turns. */
  turn = 0;
  /** The last pass in which it was asked and kept its place. */
  askedIn = 0;
  messages = 0;
  destinations = 0;
  /** Requests that its jobs need at least. */
  requests = 0;

  constructor(name: string, lane: Lane, credit: number) {
    this.name = name;
    this.lane = lane;
    this.credit = credit;
  }

  append(job: QueuedJob): void {
    job.flow = this;
    job.previous = this.last;
    if (this.last) this.last.next = job;
    else this.first = job;
    this.last = job;
  }

  prepend(job: QueuedJob): void {
    job.flow = this;
    job.next = this.first;
    if (this.first) this.first.previous = job;
    else this.last = job;
    this.first = job;
  }

  remove(job: QueuedJob): void {
    if (job.previous) job.previous.next = job.next;
    else this.first = job.next;
    if (job.next) job.next.previous = job.previous;
    else this.last = job.previous;
    job.flow = undefined;
    job.next = undefined;
    job.previous = undefined;
  }
}
