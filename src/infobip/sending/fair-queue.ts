import type { Channel } from "../../../gen/infobip/messages/v1/channel_pb.js";
import type { Batch } from "./batch.ts";
import type { Flow } from "./flow.ts";
import { FlowRing } from "./flow-ring.ts";
import type { Lane } from "./lane.ts";
import type { QueuedJob } from "./queued-job.ts";
import type { RateLimiter } from "./rate-limiter.ts";
import { Reservations } from "./reservations.ts";

/** Destinations that a flow may send in one turn. Small, so that one batch holds the jobs of many flows. */
export const CREDIT_PER_TURN = 10;

/** Less than this is missing by rounding only, in destinations. */
const MIN_PAYMENT = 1e-6;

/** So many flows are asked in vain for a job that still fits into a batch. */
export const MAX_MISFITS = 100;

/** What a visit to a flow has come to. STAYS: it could not go on, and keeps its place. MOVED: its turn is over. */
type Visit = "STAYS" | "MOVED" | "GONE";

/**
 * Jobs that wait, in flows that take turns: deficit round robin by
 * destinations. A flow that cannot send for lack of tokens, or whose job does
 * not fit into the batch, keeps its turn and holds up nobody else.
 */
export class FairQueue {
  readonly flows = new FlowRing(CREDIT_PER_TURN);
  readonly #limiter: RateLimiter;
  readonly #reservations: Reservations;
  readonly #maxMessages: number;
  readonly #destinationsOn = new Map<Channel, number>();
  #jobs = 0;
  #bytes = 0;
  #messages = 0;
  #requests = 0;
  #destinations = 0;
  #aloneJobs = 0;
  #blockedMessages = 0;
  #pass = 0;
  #misfits = 0;
  #blockedMs = Number.POSITIVE_INFINITY;

  /** `maxMessages` is the size of a full batch. */
  constructor(limiter: RateLimiter, maxMessages: number) {
    this.#limiter = limiter;
    this.#reservations = new Reservations(limiter);
    this.#maxMessages = maxMessages;
  }

  get jobs(): number {
    return this.#jobs;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Requests that the waiting jobs need at least. */
  get requests(): number {
    return this.#requests;
  }

  get destinations(): number {
    return this.#destinations;
  }

  /** Jobs that share a request with nobody. */
  get aloneJobs(): number {
    return this.#aloneJobs;
  }

  /** Messages that wait, but for those that lacked tokens when last asked. */
  get readyMessages(): number {
    return this.#messages - this.#blockedMessages;
  }

  /** Milliseconds from the last {@link fill} until more tokens allow another one; infinite when none was short. */
  get blockedMs(): number {
    return this.#blockedMs;
  }

  /** Whether there is anything to do, if only a debt to pay. */
  get isIdle(): boolean {
    return this.flows.size === 0;
  }

  /** Destinations that wait on a channel. */
  destinationsOn(channel: Channel): number {
    return this.#destinationsOn.get(channel) ?? 0;
  }

  /** When the job that came first came, on the queue's clock; infinite when none waits. A step for each flow. */
  oldestTime(): number {
    let oldest = Number.POSITIVE_INFINITY;
    for (const job of this.#firstJobs()) oldest = Math.min(oldest, job.since);
    return oldest;
  }

  /** Milliseconds for which the limits still hold back the flow that they hold back longest; 0: none. A step for each flow. */
  rateLimitMs(): number {
    let longest = 0;
    for (const { job } of this.#firstJobs()) longest = Math.max(longest, this.#limiter.waitMs(job.channels));
    return longest;
  }

  *#firstJobs(): Generator<QueuedJob> {
    for (const lane of this.flows.lanes) {
      for (let flow = lane.first; flow; flow = flow.next) if (flow.first) yield flow.first;
    }
  }

  push(job: QueuedJob): void {
    const flow = this.flows.ensure(job.job);
    flow.append(job);
    this.#count(flow, job, 1);
  }

  /** Puts a job at the head of its flow. */
  pushFront(job: QueuedJob): void {
    const flow = this.flows.ensure(job.job);
    this.#reservations.release(flow);
    flow.prepend(job);
    this.#count(flow, job, 1);
  }

  /** Takes a job out of its flow. */
  remove(job: QueuedJob): void {
    const { flow } = job;
    if (!flow) return;
    if (flow.first === job) this.#reservations.release(flow);
    flow.remove(job);
    this.#count(flow, job, -1);
    if (flow.first === undefined && flow.debt === undefined) this.flows.remove(flow);
  }

  /** Takes all jobs out; debts stay. */
  clear(): QueuedJob[] {
    const jobs: QueuedJob[] = [];
    for (const lane of this.flows.lanes) {
      let flow = lane.first;
      while (flow) {
        const following: Flow | undefined = flow.next;
        for (let job = flow.first; job; job = flow.first) {
          jobs.push(job);
          this.remove(job);
        }
        flow = following;
      }
    }
    return jobs;
  }

  /** Moves jobs into a batch, from the flows in turn, for as long as it and the rate limits take any. */
  fill(batch: Batch): void {
    this.#blockedMs = Number.POSITIVE_INFINITY;
    this.#blockedMessages = 0;
    this.#misfits = 0;
    this.#pass++;
    this.flows.beginPass();
    let flow = this.#nextFlow();
    while (flow && !batch.isFull && this.#misfits < MAX_MISFITS) {
      this.#turnOf(flow, batch);
      flow = this.#nextFlow();
    }
    for (const lane of this.flows.lanes) {
      if (lane.next && this.#isHeld(lane)) this.#blockedMessages += lane.messages - lane.askedMessages;
    }
  }

  /** Whose turn is next in the pass. */
  #nextFlow(): Flow | undefined {
    let found: Flow | undefined;
    for (const lane of this.flows.lanes) {
      if (!lane.next || this.#isHeld(lane)) continue;
      const flow = this.#reservations.holderOn(lane.channel) ?? lane.next;
      if (!found || flow.turn < found.turn) found = flow;
    }
    return found;
  }

  /** Whether nobody on a lane can go, because a limit of its channel is kept for a flow elsewhere, or for one that was asked in this pass. */
  #isHeld(lane: Lane): boolean {
    const holder = this.#reservations.holderOn(lane.channel);
    return holder !== undefined && (holder.lane !== lane || holder.askedIn === this.#pass);
  }

  /** Whoever stands before the holder of a limit has been passed over. */
  #turnOf(flow: Flow, batch: Batch): void {
    const { lane } = flow;
    const following = flow.next;
    const visit = this.#visit(flow, batch);
    if (visit === "STAYS") {
      flow.askedIn = this.#pass;
      lane.askedMessages += flow.messages;
    }
    lane.next = following ?? (visit === "MOVED" ? flow : undefined);
  }

  #visit(flow: Flow, batch: Batch): Visit {
    let visit = this.#payDebt(flow);
    while (flow.first && !visit) visit = this.#visitJob(flow, flow.first, batch);
    if (visit) return visit;
    this.#drop(flow);
    return "GONE";
  }

  /** Undefined: the job is in the batch, and the turn goes on. */
  #visitJob(flow: Flow, job: QueuedJob, batch: Batch): Visit | undefined {
    if (batch.isFull) return "STAYS";
    if (!batch.accepts(job)) {
      this.#misfits++;
      return "STAYS";
    }
    if (this.#reservations.isHeldByOther(flow, job.job.channels)) return this.#blocked(flow);
    if (flow.credit < job.cost) return this.#endTurn(flow, job.cost);
    if (!this.#hasTokens(flow, job)) return this.#blocked(flow);
    this.#take(flow, job);
    batch.add(job);
    return flow.debt ? "STAYS" : undefined;
  }

  #take(flow: Flow, job: QueuedJob): void {
    this.#reservations.release(flow);
    flow.credit -= job.cost;
    flow.remove(job);
    this.#count(flow, job, -1);
    const { channels } = job.job;
    const debt = this.#limiter.take(channels);
    if (debt) flow.debt = { debt, channels };
  }

  #hasTokens(flow: Flow, { job }: QueuedJob): boolean {
    const waitMs = this.#limiter.waitMs(job.channels);
    if (waitMs === 0) return true;
    // Who waits for a debt to be paid must not keep the tokens from those who pay it.
    if (this.#limiter.isBarred(job.channels)) this.#reservations.release(flow);
    else this.#reservations.reserve(flow, job.channels);
    this.#blockedMs = Math.min(this.#blockedMs, waitMs);
    return false;
  }

  /** Pays in the flow's turn with the tokens that are there. Undefined: the turn may go on with a job. */
  #payDebt(flow: Flow): Visit | undefined {
    if (!flow.debt) return undefined;
    const { debt, channels } = flow.debt;
    while (debt.remaining > 0) {
      if (this.#reservations.isHeldByOther(flow, channels)) return this.#blocked(flow);
      if (flow.credit < 1) return this.#endTurn(flow, 1);
      const due = Math.min(flow.credit, debt.remaining);
      const paid = debt.pay(due);
      flow.credit -= paid;
      // Tokens come in all the time: a rest is paid later, and not bit by bit.
      if (paid > due - MIN_PAYMENT) continue;
      this.#blockedMs = Math.min(this.#blockedMs, debt.waitMs(CREDIT_PER_TURN));
      return this.#blocked(flow);
    }
    flow.debt = undefined;
    return undefined;
  }

  /** A flow alone needs no turns to save up for a large job. */
  #endTurn(flow: Flow, cost: number): Visit {
    flow.credit = this.flows.size === 1 ? Math.max(cost, CREDIT_PER_TURN) : flow.credit + CREDIT_PER_TURN;
    this.flows.moveToEnd(flow);
    return "MOVED";
  }

  #blocked(flow: Flow): Visit {
    this.#blockedMessages += flow.messages;
    return "STAYS";
  }

  #drop(flow: Flow): void {
    this.#reservations.release(flow);
    this.flows.remove(flow);
  }

  #count(flow: Flow, job: QueuedJob, sign: 1 | -1): void {
    const messages = sign * job.messages;
    const destinations = sign * job.cost;
    const requests = job.isAlone ? sign : messages / this.#maxMessages;
    flow.messages += messages;
    flow.lane.messages += messages;
    flow.destinations += destinations;
    flow.requests += requests;
    this.#jobs += sign;
    this.#bytes += sign * job.bytes;
    this.#messages += messages;
    this.#destinations += destinations;
    this.#requests = this.#jobs === 0 ? 0 : this.#requests + requests;
    if (job.isAlone) this.#aloneJobs += sign;
    for (const { channel, destinations: count } of job.job.channels) {
      this.#destinationsOn.set(channel, (this.#destinationsOn.get(channel) ?? 0) + sign * count);
    }
  }
}
