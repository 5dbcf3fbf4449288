import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Channel } from "../gen/infobip/messages/v1/channel_pb.js";
import { type RateDebt, RateLimiter } from "../src/infobip/sending/rate-limiter.ts";
import type { ChannelCount } from "../src/infobip/sending/send-queue.ts";

const sms = (destinations: number): ChannelCount[] => [{ channel: Channel.SMS, destinations }];
const rcs = (destinations: number): ChannelCount[] => [{ channel: Channel.RCS, destinations }];

function limiterWithClock(total: number, channels: [Channel, number][] = []) {
  const clock = { ms: 0 };
  const limiter = new RateLimiter({ total, channels: new Map(channels), now: () => clock.ms });
  return { clock, limiter };
}

describe("the rate limiter", () => {
  test("lets everything through without limits", () => {
    const { limiter } = limiterWithClock(0, [[Channel.SMS, 0]]);
    expect(limiter.waitMs(sms(10_000))).toBe(0);
    expect(limiter.take(sms(10_000))).toBeUndefined();
    expect(limiter.waitMs(sms(10_000))).toBe(0);
    expect(limiter.throughputMs(sms(10_000))).toBe(0);
  });

  test("lets a burst of one second's worth go, then the rate", () => {
    const { clock, limiter } = limiterWithClock(100);
    for (let sent = 0; sent < 100; sent++) {
      expect(limiter.waitMs(sms(1))).toBe(0);
      expect(limiter.take(sms(1))).toBeUndefined();
    }
    expect(limiter.waitMs(sms(1))).toBeCloseTo(10, 6);
    expect(limiter.waitMs(sms(50))).toBeCloseTo(500, 6);
    clock.ms = 10;
    expect(limiter.waitMs(sms(1))).toBe(0);
  });

  test("saves up no more than the burst", () => {
    const { clock, limiter } = limiterWithClock(10);
    clock.ms = 3_600_000;
    limiter.take(sms(10));
    expect(limiter.waitMs(sms(1))).toBeCloseTo(100, 6);
  });

  test("lets one destination go at a rate below one a second", () => {
    const { clock, limiter } = limiterWithClock(0.5);
    expect(limiter.waitMs(sms(1))).toBe(0);
    expect(limiter.take(sms(1))).toBeUndefined();
    expect(limiter.waitMs(sms(1))).toBeCloseTo(2_000, 6);
    clock.ms = 2_000;
    expect(limiter.waitMs(sms(1))).toBe(0);
  });

  test("holds a channel up by its own limit, and no other", () => {
    const { limiter } = limiterWithClock(0, [[Channel.SMS, 10]]);
    limiter.take(sms(10));
    expect(limiter.waitMs(sms(1))).toBeCloseTo(100, 6);
    expect(limiter.waitMs(rcs(1_000))).toBe(0);
  });

  test("holds a job up by the limit that lets it through last", () => {
    const { limiter } = limiterWithClock(100, [[Channel.SMS, 10]]);
    const both = [...sms(10), ...rcs(90)];
    expect(limiter.waitMs(both)).toBe(0);
    limiter.take(both);
    expect(limiter.waitMs(rcs(1))).toBeCloseTo(10, 6);
    expect(limiter.waitMs([...sms(1), ...rcs(1)])).toBeCloseTo(100, 6);
  });

  test("lets an oversized job go from a full bucket, against a debt", () => {
    const { clock, limiter } = limiterWithClock(100);
    limiter.take(sms(40));
    expect(limiter.waitMs(sms(250))).toBeCloseTo(400, 6);
    clock.ms = 400;
    expect(limiter.waitMs(sms(250))).toBe(0);
    expect(limiter.take(sms(250))?.remaining).toBeCloseTo(150, 6);
  });

  test("lets small jobs go while a debt is open, but no second oversized one", () => {
    const { clock, limiter } = limiterWithClock(100);
    const debt = limiter.take(sms(250));
    expect(debt?.remaining).toBeCloseTo(150, 6);
    clock.ms = 1_000;
    expect(limiter.waitMs(sms(250))).toBeGreaterThan(0);
    expect([limiter.isBarred(sms(250)), limiter.isBarred(sms(100))]).toEqual([true, false]);
    expect(limiter.waitMs(sms(30))).toBe(0);
    limiter.take(sms(30));
    expect(debt?.pay(1_000)).toBeCloseTo(70, 6);
    expect(debt?.remaining).toBeCloseTo(80, 6);
  });

  test("takes a debt out of what is there, in parts, until it is paid", () => {
    const { clock, limiter } = limiterWithClock(0, [[Channel.SMS, 10]]);
    const debt = limiter.take(sms(25)) as RateDebt;
    expect(debt.pay(10)).toBe(0);
    expect(debt.waitMs(10)).toBeCloseTo(1_000, 6);
    clock.ms = 1_000;
    expect(debt.waitMs(10)).toBe(0);
    expect(debt.pay(4)).toBeCloseTo(4, 6);
    expect(limiter.waitMs(sms(7))).toBeCloseTo(100, 6);
    expect(debt.pay(10)).toBeCloseTo(6, 6);
    clock.ms = 2_000;
    expect(debt.pay(10)).toBeCloseTo(5, 6);
    expect(debt.remaining).toBe(0);
    expect(debt.waitMs(10)).toBe(0);
    expect(debt.pay(10)).toBe(0);
    expect(limiter.waitMs(sms(5))).toBe(0);
  });

  test("estimates the time for more than a burst, debts included", () => {
    const { limiter } = limiterWithClock(100);
    expect(limiter.throughputMs(sms(100))).toBe(0);
    expect(limiter.throughputMs(sms(1_100))).toBeCloseTo(10_000, 6);
    limiter.take(sms(300));
    expect(limiter.throughputMs(sms(100))).toBeCloseTo(3_000, 6);
  });

  test("holds everything back during a pause, the longest one", () => {
    const { clock, limiter } = limiterWithClock(0);
    expect(limiter.pausedMs()).toBe(0);
    limiter.pauseUntil(2_000);
    limiter.pauseUntil(1_000);
    expect(limiter.pausedMs()).toBe(2_000);
    expect(limiter.waitMs(sms(1))).toBe(2_000);
    expect(limiter.throughputMs(sms(1))).toBe(2_000);
    clock.ms = 1_999;
    expect(limiter.waitMs(rcs(1))).toBe(1);
    clock.ms = 2_000;
    expect(limiter.waitMs(rcs(1))).toBe(0);
  });

  test("holds everything back during a pause with limits too", () => {
    const { limiter } = limiterWithClock(100);
    limiter.pauseUntil(300);
    expect(limiter.waitMs(sms(1))).toBe(300);
    expect(limiter.throughputMs(sms(1))).toBe(300);
  });
});

interface Sent {
  readonly atMs: number;
  readonly destinations: number;
}

/** Most that went within any span, less what the rate brings in over the span. */
function excess(sent: readonly Sent[], rate: number): number {
  let most = 0;
  for (const [first, { atMs: startMs }] of sent.entries()) {
    let sum = 0;
    for (const { atMs, destinations } of sent.slice(first)) {
      sum += destinations;
      most = Math.max(most, sum - (rate * (atMs - startMs)) / 1_000);
    }
  }
  return most;
}

const anAction = fc.record({
  passMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 50 }), fc.integer({ min: 0, max: 3_000 })),
  smsCount: fc.oneof(fc.integer({ min: 0, max: 5 }), fc.integer({ min: 0, max: 300 })),
  rcsCount: fc.integer({ min: 0, max: 5 }),
  pay: fc.integer({ min: 0, max: 200 }),
  waits: fc.boolean(),
});

test("over any schedule and any span lets through rate x span + the burst or one oversized job", () => {
  const rates = fc.record({ total: fc.integer({ min: 1, max: 200 }), sms: fc.integer({ min: 1, max: 50 }) });
  const property = fc.property(rates, fc.array(anAction, { maxLength: 80 }), (rate, actions) => {
    const { clock, limiter } = limiterWithClock(rate.total, [[Channel.SMS, rate.sms]]);
    const all: Sent[] = [];
    const onSms: Sent[] = [];
    const debts: RateDebt[] = [];
    let largest = 0;
    let largestSms = 0;
    for (const { passMs, smsCount, rcsCount, pay, waits } of actions) {
      clock.ms += passMs;
      for (const debt of debts) debt.pay(pay);
      const counts = [...sms(smsCount), ...rcs(rcsCount)];
      if (waits) clock.ms += limiter.waitMs(counts);
      if (limiter.waitMs(counts) > 0) continue;
      const debt = limiter.take(counts);
      if (debt) debts.push(debt);
      all.push({ atMs: clock.ms, destinations: smsCount + rcsCount });
      onSms.push({ atMs: clock.ms, destinations: smsCount });
      largest = Math.max(largest, smsCount + rcsCount);
      largestSms = Math.max(largestSms, smsCount);
    }
    expect(excess(all, rate.total)).toBeLessThanOrEqual(Math.max(rate.total, largest) + 0.01);
    expect(excess(onSms, rate.sms)).toBeLessThanOrEqual(Math.max(rate.sms, largestSms) + 0.01);
  });
  fc.assert(property, { numRuns: 500 });
});

test("a job that waits as long as it is told may go, and debts come to an end", () => {
  const counts = fc.integer({ min: 1, max: 500 });
  const property = fc.property(
    fc.integer({ min: 1, max: 300 }),
    fc.array(counts, { maxLength: 30 }),
    (rate, jobs) => {
      const { clock, limiter } = limiterWithClock(rate, [[Channel.SMS, Math.ceil(rate / 3)]]);
      let destinations = 0;
      for (const job of jobs) {
        clock.ms += limiter.waitMs(sms(job));
        expect(limiter.waitMs(sms(job))).toBe(0);
        const debt = limiter.take(sms(job));
        destinations += job;
        while (debt && debt.remaining > 0) {
          clock.ms += debt.waitMs(50);
          expect(debt.pay(50)).toBeGreaterThan(0);
        }
      }
      // No slower than the slowest limit asks for: its rate, and a full bucket again before each oversized job.
      const slowest = Math.ceil(rate / 3);
      expect(clock.ms).toBeLessThanOrEqual(((destinations + jobs.length * slowest) / slowest) * 1_000 + 1);
    },
  );
  fc.assert(property, { numRuns: 300 });
});
