import { expect, onTestFinished, test, vi } from "vitest";
import { BoundedMap } from "../src/simulator/bounded-map.ts";
import { systemClock } from "../src/simulator/clock.ts";
import {
  MAX_PENDING_PULL_ITEMS,
  MAX_RECORDED_BYTES,
  MAX_RECORDED_REQUESTS,
} from "../src/simulator/limits.ts";
import { ManualClock } from "../src/simulator/manual-clock.ts";
import { PullStore } from "../src/simulator/pull-store.ts";
import { RequestJournal } from "../src/simulator/request-journal.ts";

test("a bounded map drops its oldest entry", () => {
  const map = new BoundedMap<string, number>(2);
  map.set("a", 1);
  map.set("b", 2);
  map.set("a", 3);
  map.set("c", 4);

  expect([map.get("a"), map.get("b"), map.get("c"), map.size]).toEqual([undefined, 2, 4, 2]);
});

test("a pull store drops its oldest item", () => {
  const store = new PullStore(new ManualClock());
  for (let index = 0; index <= MAX_PENDING_PULL_ITEMS; index++) store.add({ index });

  expect(store.size).toBe(MAX_PENDING_PULL_ITEMS);
  expect(store.take(1, () => true)).toEqual([{ index: 1 }]);
});

test("the journal is bounded by number and by bytes, but counts on", () => {
  const journal = new RequestJournal();
  const request = { endpoint: "messages", method: "POST", url: "/", headers: {}, fault: undefined } as const;
  for (let index = 0; index <= MAX_RECORDED_REQUESTS; index++) {
    journal.arrived("messages");
    journal.record({ ...request, body: String(index) });
  }
  expect(journal.recorded()).toHaveLength(MAX_RECORDED_REQUESTS);
  expect(journal.recorded()[0]?.body).toBe("1");
  expect(journal.counts.messages).toBe(MAX_RECORDED_REQUESTS + 1);

  journal.record({ ...request, body: "x".repeat(MAX_RECORDED_BYTES) });
  expect(journal.recorded()).toHaveLength(1);
  journal.record({ ...request, body: "y" });
  expect(journal.recorded().map((one) => one.body)).toEqual(["y"]);
});

test("the manual clock runs timers in order of time, with the time they are due", () => {
  const clock = new ManualClock(0);
  const ran: string[] = [];
  clock.setTimer(20, () => ran.push(`b at ${clock.now()}`));
  clock.setTimer(10, () => {
    ran.push(`a at ${clock.now()}`);
    clock.setTimer(5, () => ran.push(`c at ${clock.now()}`));
  });
  clock.setTimer(11, () => ran.push("never"))();
  clock.advance(30);

  expect(ran).toEqual(["a at 10", "c at 15", "b at 20"]);
  expect([clock.now(), clock.pendingDelays()]).toEqual([30, []]);
});

test("the system clock waits longer than Node's timers can", () => {
  vi.useFakeTimers();
  onTestFinished(() => {
    vi.useRealTimers();
  });
  let ran = 0;
  systemClock.setTimer(2 ** 31 + 5, () => ran++);
  systemClock.setTimer(2 ** 31 + 5, () => ran++)();

  vi.advanceTimersByTime(2 ** 31 + 4);
  expect(ran).toBe(0);
  vi.advanceTimersByTime(1);

  expect(ran).toBe(1);
});
