import { describe, expect, it } from "vitest";
import { HeadWaiters } from "../src/eventlog/embedded/head-waiters.ts";

describe("head waiters", () => {
  it("keeps nothing of 1,000 aborted waits", async () => {
    const waiters = new HeadWaiters();
    const controllers = Array.from({ length: 1_000 }, () => new AbortController());
    const waits = controllers.map(({ signal }) => waiters.wait(0, signal));
    expect(waiters.size).toBe(1_000);
    for (const controller of controllers) controller.abort();
    await Promise.all(waits);
    expect(waiters.size).toBe(0);
  });

  it("wakes those who wait for less than the head, and keeps the others", async () => {
    const waiters = new HeadWaiters();
    const { signal } = new AbortController();
    const woken = waiters.wait(4, signal);
    const aborting = new AbortController();
    const kept = waiters.wait(5, aborting.signal);
    waiters.wake(5);
    await woken;
    expect(waiters.size).toBe(1);
    aborting.abort();
    await kept;
    expect(waiters.size).toBe(0);
  });
});
