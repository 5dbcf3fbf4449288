import { expect, test } from "vitest";
import { Channel } from "../gen/infobip/messages/v1/channel_pb.js";
import { Batch } from "../src/infobip/sending/batch.ts";
import { FairQueue, MAX_MISFITS } from "../src/infobip/sending/fair-queue.ts";
import { bytesOf, QueuedJob } from "../src/infobip/sending/queued-job.ts";
import { RateLimiter, type RateLimits } from "../src/infobip/sending/rate-limiter.ts";
import type { ChannelCount, SendJob } from "../src/infobip/sending/send-queue.ts";
import { jobOf } from "./send-queue-rig.ts";

const FLOWS = 10_000;
const ignore = (): void => {};

/** Counts how often it is asked, as a measure of the work of one pass. */
class CountingLimiter extends RateLimiter {
  asked = 0;

  override waitMs(counts: readonly ChannelCount[]): number {
    this.asked++;
    return super.waitMs(counts);
  }
}

class CountingBatch extends Batch {
  asked = 0;

  override accepts(job: QueuedJob): boolean {
    this.asked++;
    return super.accepts(job);
  }
}

function startFairQueue(limits: Partial<RateLimits>) {
  const clock = { ms: 0 };
  const limiter = new CountingLimiter({ total: 0, channels: new Map(), now: () => clock.ms, ...limits });
  const queue = new FairQueue(limiter, 100);
  const push = (id: string, job: Partial<SendJob> = {}): void => {
    const made = jobOf(id, { flow: id, ...job });
    queue.push(
      new QueuedJob(made, bytesOf(made), clock.ms, { aborted: ignore, resolve: ignore, reject: ignore }),
    );
  };
  const fill = () => {
    const batch = new CountingBatch({ maxMessages: 100, onlyAlone: false });
    limiter.asked = 0;
    queue.fill(batch);
    return { ids: batch.jobs.map(({ job }) => job.messageIds[0]), asked: limiter.asked + batch.asked };
  };
  return { queue, clock, push, fill };
}

test("ten thousand callers that wait for a channel's tokens cost the others nothing", () => {
  const { queue, clock, push, fill } = startFairQueue({ channels: new Map([[Channel.SMS, 1]]) });
  for (let flow = 0; flow < FLOWS; flow++) push(`sms-${flow}`);
  expect(fill().ids).toEqual(["sms-0"]);
  push("rcs", { channels: [{ channel: Channel.RCS, destinations: 1 }] });
  const { ids, asked } = fill();
  expect(ids).toEqual(["rcs"]);
  expect(asked).toBeLessThan(20);
  expect(queue.readyMessages).toBe(0);
  expect(queue.blockedMs).toBe(1_000);
  clock.ms = 1_000;
  expect(fill().ids).toEqual(["sms-1"]);
});

test("so do those that wait for the tokens of all channels together", () => {
  const { queue, clock, push, fill } = startFairQueue({ total: 2 });
  for (let flow = 0; flow < FLOWS; flow++) {
    push(`m-${flow}`, { channels: [{ channel: flow % 2 ? Channel.SMS : Channel.RCS, destinations: 1 }] });
  }
  expect(fill().ids).toEqual(["m-0", "m-1"]);
  const { ids, asked } = fill();
  expect(ids).toEqual([]);
  expect(asked).toBeLessThan(20);
  expect([queue.readyMessages, queue.blockedMs]).toEqual([0, 500]);
  clock.ms = 500;
  expect(fill().ids).toEqual(["m-2"]);
});

test("the one that tokens are kept for goes first, wherever it stands among those that wait", () => {
  const { clock, push, fill } = startFairQueue({ channels: new Map([[Channel.SMS, 10]]) });
  push("first", { channels: [{ channel: Channel.SMS, destinations: 10 }] });
  push("large", { channels: [{ channel: Channel.SMS, destinations: 10 }] });
  for (let flow = 0; flow < FLOWS; flow++) push(`small-${flow}`);
  expect(fill().ids).toEqual(["first"]);
  clock.ms = 900;
  expect(fill().ids).toEqual([]);
  clock.ms = 1_000;
  expect(fill().ids).toEqual(["large"]);
  clock.ms = 1_200;
  expect(fill().ids).toEqual(["small-0", "small-1"]);
});

test("the search for a job that still fits into a batch has an end, and who did not fit keeps the turn", () => {
  const { push, fill } = startFairQueue({});
  const messages = Array.from({ length: 60 }, (_, index) => `{"index":${index}}`);
  const body = { endpoint: "messages" as const, messages, options: undefined };
  for (let flow = 0; flow < FLOWS; flow++) push(`wide-${flow}`, { body });
  for (let round = 0; round < 3; round++) {
    const { ids, asked } = fill();
    expect(ids).toEqual([`wide-${round}`]);
    expect(asked).toBeLessThanOrEqual(2 * (MAX_MISFITS + 2));
  }
});
