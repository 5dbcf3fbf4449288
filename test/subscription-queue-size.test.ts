import { describe, expect, it } from "vitest";
import { seekSubscription } from "../src/eventlog/embedded/subscriptions/administration.ts";
import { DeliveryQueue, MAX_STALE_ENTRIES } from "../src/eventlog/embedded/subscriptions/delivery-queue.ts";
import { MinHeap } from "../src/eventlog/embedded/subscriptions/min-heap.ts";
import type { Session } from "../src/eventlog/embedded/subscriptions/session.ts";
import { Subscription } from "../src/eventlog/embedded/subscriptions/subscription.ts";
import { TurnBudget } from "../src/eventlog/embedded/subscriptions/turn-budget.ts";
import { UnsettledEvent } from "../src/eventlog/embedded/subscriptions/unsettled-event.ts";
import { UnsettledSet } from "../src/eventlog/embedded/subscriptions/unsettled-set.ts";
import { sampleEvents } from "./event-log-samples.ts";
import { ManualTimer } from "./fixtures/manual-timer.ts";
import { MemoryStorage } from "./fixtures/memory-storage.ts";
import { FREE_SETTINGS, nack, TAKE_ALL, taken } from "./subscription-harness.ts";

const DAY_MS = 86_400_000;
/** More than a heap keeps of stale entries in any case. */
const EVENTS_PER_ROUND = 3 * MAX_STALE_ENTRIES;
const ROUNDS = 4;

/** A subscription at the beginning of a log that can lose its oldest events. */
function subscriptionOn(storage: MemoryStorage, timer: ManualTimer): Subscription {
  const sets = { unsettled: new UnsettledSet(false), redriven: new UnsettledSet(true) };
  const times = { createTimeMs: 0, updateTimeMs: 0 };
  const state = { settings: FREE_SETTINGS, ...times, filterFrom: 0, position: 0, gap: undefined, ...sets };
  const { log, store } = storage;
  return new Subscription("s", state, 0, {
    log,
    store,
    now: timer.wallClock,
    timer,
    budget: new TurnBudget(),
  });
}

function join(subscription: Subscription, id: string): Session {
  return subscription.join(id, { clientId: "", leaseMs: 30_000, maxOutstanding: 10_000 });
}

/** Refuses everything that there is for the longest time. Returns how many events that were. */
async function refuseAll(session: Session): Promise<number> {
  const { deliveries } = await session.take(TAKE_ALL);
  const numbers = deliveries.map(({ record }) => record.sequence);
  const { nacked } = await nack(session, numbers, DAY_MS);
  expect(nacked).toBe(numbers.length);
  return nacked;
}

describe("entries of the delivery queue", () => {
  it("do not pile up when retention removes delayed events again and again", async () => {
    const storage = new MemoryStorage();
    const timer = new ManualTimer();
    const subscription = subscriptionOn(storage, timer);
    const session = join(subscription, "one");
    const { queue } = subscription.ledger;
    for (let round = 0, end = 0; round < ROUNDS; round++) {
      await storage.log.append(sampleEvents(end + 1, end + EVENTS_PER_ROUND));
      end += EVENTS_PER_ROUND;
      expect(await refuseAll(session)).toBe(EVENTS_PER_ROUND);
      await storage.removeThrough(end - 3);
      await taken(session);
      expect(subscription.ledger.size).toBe(3);
      expect(queue.entryCount).toBeLessThanOrEqual(2 * 3 + MAX_STALE_ENTRIES);
    }
    timer.advance(DAY_MS - 1);
    expect(await taken(join(subscription, "two"))).toEqual([]);
    timer.advance(1);
    const end = ROUNDS * EVENTS_PER_ROUND;
    expect(await taken(join(subscription, "three"))).toEqual([`${end - 2}:2`, `${end - 1}:2`, `${end}:2`]);
    await subscription.close(new Error("the test is over"), false);
  });

  it("do not pile up when delayed events are forgotten by seeks", async () => {
    const storage = new MemoryStorage();
    const subscription = subscriptionOn(storage, new ManualTimer());
    const session = join(subscription, "one");
    await storage.log.append(sampleEvents(1, EVENTS_PER_ROUND));
    for (let round = 0; round < ROUNDS; round++) {
      expect(await refuseAll(session)).toBe(EVENTS_PER_ROUND);
      expect(subscription.ledger.queue.entryCount).toBe(EVENTS_PER_ROUND);
      await seekSubscription(subscription, 0);
      expect(subscription.ledger.queue.entryCount).toBe(0);
    }
    await subscription.close(new Error("the test is over"), false);
  });

  it("do not pile up while each event comes before the others of its message, and none is forgotten", () => {
    const queue = new DeliveryQueue();
    for (let sequence = EVENTS_PER_ROUND; sequence > 0; sequence--) {
      queue.add(new UnsettledEvent(sequence, false, "m"));
      expect(queue.entryCount).toBeLessThanOrEqual(2 + MAX_STALE_ENTRIES);
    }
    for (let sequence = 1; sequence <= EVENTS_PER_ROUND; sequence++) {
      const event = queue.take();
      expect(event?.sequence).toBe(sequence);
      expect(queue.hasReady).toBe(false);
      if (event !== undefined) queue.settle(event);
    }
    expect(queue.take()).toBeUndefined();
  });

  it("come up in order after some were taken out of a heap", () => {
    for (let size = 0; size < 40; size++) {
      const heap = new MinHeap<number>((item) => item);
      for (let n = 0; n < size; n++) heap.push((n * 17) % 41);
      heap.retain((item) => item % 3 !== 0);
      const expected = Array.from({ length: size }, (_, n) => (n * 17) % 41).filter((n) => n % 3 !== 0);
      expect(heap.size).toBe(expected.length);
      expect(expected.map(() => heap.pop())).toEqual(expected.sort((a, b) => a - b));
    }
  });
});
