import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { RetryBudget } from "../src/infobip/sending/retry-budget.ts";
import { RETRY_CAP_MS, retryDelayMs } from "../src/infobip/sending/retry-delay.ts";
import { ManualTimer } from "./fixtures/manual-timer.ts";

describe("the retry budget", () => {
  const settings = { ratio: 0.1, reserve: 3, perSecond: 0.5, maxSaved: 5 };
  const still = (): number => 0;
  const grants = (budget: RetryBudget) => Array.from({ length: 10 }, () => budget.withdraw()).filter(Boolean);

  test("has a reserve before any request was made", () => {
    const budget = new RetryBudget(still, settings);
    expect([1, 2, 3, 4].map(() => budget.withdraw())).toEqual([true, true, true, false]);
  });

  test("earns one retry with ten requests", () => {
    const budget = new RetryBudget(still, { ...settings, reserve: 0 });
    for (let request = 0; request < 9; request++) budget.deposit();
    expect(budget.withdraw()).toBe(false);
    budget.deposit();
    expect(budget.withdraw()).toBe(true);
    expect(budget.withdraw()).toBe(false);
  });

  test("saves up a bounded number", () => {
    const budget = new RetryBudget(still, settings);
    for (let request = 0; request < 1_000; request++) budget.deposit();
    expect(grants(budget)).toHaveLength(5);
  });

  test("gets its reserve back with time, and no more than that", () => {
    const timer = new ManualTimer();
    const budget = new RetryBudget(timer.now, settings);
    expect(grants(budget)).toHaveLength(3);
    timer.advance(1_999);
    expect(grants(budget)).toHaveLength(0);
    timer.advance(1);
    expect(grants(budget)).toHaveLength(1);
    timer.advance(3_600_000);
    expect(grants(budget)).toHaveLength(3);
  });

  test("loses nothing that requests have earned beyond the reserve", () => {
    const timer = new ManualTimer();
    const budget = new RetryBudget(timer.now, settings);
    for (let request = 0; request < 20; request++) budget.deposit();
    timer.advance(60_000);
    expect(grants(budget)).toHaveLength(5);
  });

  test("over any order of requests, failures and time grants at most the reserve, a tenth and what time brings", () => {
    const step = fc.constantFrom("request", "request", "failure", "failure", "second");
    const property = fc.property(fc.array(step, { maxLength: 500 }), (steps) => {
      const timer = new ManualTimer();
      const budget = new RetryBudget(timer.now, settings);
      let requests = 0;
      let retries = 0;
      for (const kind of steps) {
        if (kind === "second") timer.advance(1_000);
        else if (kind === "request") {
          budget.deposit();
          requests++;
        } else if (budget.withdraw()) retries++;
      }
      const byTime = (timer.now() * settings.perSecond) / 1_000;
      expect(retries).toBeLessThanOrEqual(settings.reserve + requests * settings.ratio + byTime + 1e-6);
    });
    fc.assert(property, { numRuns: 300 });
  });
});

describe("the wait before a retry", () => {
  const longest = (attempt: number, retryAfterMs?: number) =>
    retryDelayMs({ attempt, retryAfterMs, random: () => 1 });

  test("is random from nothing to a bound that doubles, up to a cap", () => {
    expect([1, 2, 3, 4].map((attempt) => longest(attempt))).toEqual([100, 200, 400, 800]);
    expect(longest(20)).toBe(RETRY_CAP_MS);
    expect(longest(5_000)).toBe(RETRY_CAP_MS);
    expect(retryDelayMs({ attempt: 4, retryAfterMs: undefined, random: () => 0 })).toBe(0);
  });

  test("is never shorter than what Infobip asked for", () => {
    expect(retryDelayMs({ attempt: 1, retryAfterMs: 7_000, random: () => 0 })).toBe(7_000);
    expect(longest(2, 7_000)).toBe(7_200);
  });
});
