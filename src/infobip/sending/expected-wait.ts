import { Channel } from "../../../gen/infobip/messages/v1/channel_pb.js";
import type { FairQueue } from "./fair-queue.ts";
import { channelOf } from "./flow-ring.ts";
import { costOf } from "./queued-job.ts";
import type { RateLimiter } from "./rate-limiter.ts";
import type { RequestPace } from "./request-pace.ts";
import type { ChannelCount, SendJob } from "./send-queue.ts";

/** What a wait depends on. */
export interface WaitFactors {
  readonly queue: FairQueue;
  readonly limiter: RateLimiter;
  readonly pace: RequestPace;
  readonly connections: number;
}

/**
 * Milliseconds that a job is to wait at least, as far as can be told when it
 * comes: for the pause after a 429, for tokens, and for its turn at the
 * connections. What others have queued counts as far as their fair share goes.
 */
export function expectedWaitMs(job: SendJob, { queue, limiter, pace, connections }: WaitFactors): number {
  const ownMs = limiter.waitMs(job.channels);
  if (queue.jobs === 0) return ownMs;
  const flow = queue.flows.find(job);
  const rounds = queue.flows.size + (flow ? 0 : 1);
  const requests = Math.min(queue.requests, (flow?.requests ?? 0) * rounds);
  const connectionMs = (requests * pace.averageMs) / connections;
  return Math.max(ownMs, connectionMs, limiter.isUnlimited ? 0 : tokensMs(job, queue, limiter));
}

/** Milliseconds for the tokens of what goes before a job. */
function tokensMs(job: SendJob, queue: FairQueue, limiter: RateLimiter): number {
  const flow = queue.flows.find(job);
  const cost = costOf(job);
  const own = flow?.destinations ?? 0;
  /** In the time of its own share, each other flow gets as much. */
  const ahead = (waiting: number, flows: number): number =>
    Math.min(waiting, own + (own + cost) * (flow ? flows - 1 : flows));
  const flowsOnChannel = queue.flows.sizeOn(channelOf(job));
  const counts: ChannelCount[] = job.channels.map(({ channel }) => ({
    channel,
    destinations: ahead(queue.destinationsOn(channel), flowsOnChannel),
  }));
  // No channel of its own: the limit on all together.
  const total = { channel: Channel.UNSPECIFIED, destinations: ahead(queue.destinations, queue.flows.size) };
  return Math.max(limiter.throughputMs(counts), limiter.throughputMs([total]));
}
