import { describe, expect, test } from "vitest";
import { CircuitBreaker, PROBE_WAIT_MS } from "../src/infobip/sending/circuit-breaker.ts";

function breakerWithClock({ failures = 5, random = 1 } = {}) {
  const clock = { ms: 0 };
  const breaker = new CircuitBreaker({
    failures,
    openMs: 1_000,
    maxOpenMs: 30_000,
    now: () => clock.ms,
    random: () => random,
  });
  const fail = (times: number) => {
    for (let failed = 0; failed < times; failed++) breaker.failed(breaker.probe);
  };
  return { clock, breaker, fail };
}

describe("the circuit", () => {
  test("opens after five failures in a row", () => {
    const { breaker, fail } = breakerWithClock();
    fail(4);
    expect(breaker.state).toBe("closed");
    expect(breaker.admit()).toBe(0);
    fail(1);
    expect(breaker.state).toBe("open");
    expect(breaker.admit()).toBe(1_000);
  });

  test("counts failures in a row only", () => {
    const { breaker, fail } = breakerWithClock();
    fail(4);
    breaker.succeeded();
    fail(4);
    expect(breaker.state).toBe("closed");
  });

  test("never opens when it is turned off", () => {
    const { breaker, fail } = breakerWithClock({ failures: 0 });
    fail(1_000);
    expect(breaker.state).toBe("closed");
    expect(breaker.admit()).toBe(0);
  });

  test("admits one probe once its time is over", () => {
    const { clock, breaker, fail } = breakerWithClock();
    fail(5);
    clock.ms = 999;
    expect(breaker.admit()).toBe(1);
    expect(breaker.state).toBe("open");
    clock.ms = 1_000;
    expect(breaker.waitMs()).toBe(0);
    expect(breaker.state).toBe("open");
    expect(breaker.admit()).toBe(0);
    expect(breaker.state).toBe("half-open");
    expect(breaker.admit()).toBeGreaterThan(0);
    expect(breaker.waitMs()).toBeGreaterThan(0);
  });

  test("closes when the probe succeeds, and counts anew", () => {
    const { clock, breaker, fail } = breakerWithClock();
    fail(5);
    clock.ms = 1_000;
    breaker.admit();
    breaker.succeeded();
    expect(breaker.state).toBe("closed");
    fail(4);
    expect(breaker.state).toBe("closed");
    fail(1);
    expect(breaker.admit()).toBe(1_000);
  });

  test("opens for twice as long each time a probe fails, up to the longest", () => {
    const { clock, breaker, fail } = breakerWithClock();
    fail(5);
    const waits: number[] = [];
    for (let probe = 0; probe < 7; probe++) {
      const waitMs = breaker.admit();
      waits.push(waitMs);
      clock.ms += waitMs;
      expect(breaker.admit()).toBe(0);
      breaker.failed(breaker.probe);
      expect(breaker.state).toBe("open");
    }
    expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
  });

  test("opens for a random part of its time, at least half", () => {
    const { breaker, fail } = breakerWithClock({ random: 0 });
    fail(5);
    expect(breaker.admit()).toBe(500);
  });

  test("does not open longer by what had left before", () => {
    const { clock, breaker, fail } = breakerWithClock();
    fail(5);
    clock.ms = 900;
    fail(27);
    expect(breaker.admit()).toBe(100);
  });

  test("closes by the answer to what had left before", () => {
    const { breaker, fail } = breakerWithClock();
    fail(5);
    breaker.succeeded();
    expect(breaker.admit()).toBe(0);
    expect(breaker.state).toBe("closed");
  });

  test("gives the probe to the next request when one ended without telling anything", () => {
    const { clock, breaker, fail } = breakerWithClock();
    fail(5);
    clock.ms = 1_000;
    breaker.admit();
    breaker.abandoned(breaker.probe);
    expect(breaker.state).toBe("half-open");
    expect(breaker.admit()).toBe(0);
    expect(breaker.admit()).toBeGreaterThan(0);
    breaker.failed(breaker.probe);
    expect(breaker.admit()).toBe(2_000);
  });

  test("does not take for the probe what had left before it", () => {
    const { clock, breaker, fail } = breakerWithClock();
    const early = breaker.probe;
    fail(5);
    clock.ms = 1_000;
    breaker.admit();
    breaker.failed(early);
    breaker.abandoned(early);
    expect(breaker.state).toBe("half-open");
    expect(breaker.admit()).toBe(PROBE_WAIT_MS);
    breaker.failed(breaker.probe);
    expect(breaker.admit()).toBe(2_000);
  });

  test("takes a probe that is too slow for a failure, and its late answer for a success", () => {
    const { clock, breaker, fail } = breakerWithClock();
    fail(5);
    clock.ms = 1_000;
    breaker.admit();
    const slow = breaker.probe;
    clock.ms += PROBE_WAIT_MS - 1;
    expect(breaker.waitMs()).toBe(1);
    clock.ms += 1;
    expect(breaker.waitMs()).toBe(2_000);
    expect(breaker.state).toBe("open");
    clock.ms += 2_000;
    breaker.admit();
    breaker.failed(slow);
    expect(breaker.state).toBe("half-open");
    breaker.succeeded();
    expect(breaker.state).toBe("closed");
  });
});
