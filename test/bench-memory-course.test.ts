import { expect, test } from "vitest";
import { isFlat, LEAST_CALLS, type MemorySample, memoryCourse } from "../bench/memory-course.ts";

const CALLS = 1_000_000;

/** A hundred looks at equal distances, each with the memory at that share of the run. */
function run(mibAt: (share: number) => number, calls = CALLS): MemorySample[] {
  return Array.from({ length: 100 }, (_, n) => ({ calls: (calls * n) / 100, mib: mibAt(n / 100) }));
}

test("memory that grows in the first fifth of the calls and then stays is flat", () => {
  const course = memoryCourse(
    run((share) => Math.min(200, 100 + 500 * share)),
    CALLS,
  );
  expect(course).toEqual({ earlyMiB: 200, lateMiB: 200, peakMiB: 200 });
  expect(isFlat(course, CALLS, 220)).toBe(true);
});

test("a steady leak is not flat, growth of a tenth is", () => {
  const slow = memoryCourse(
    run((share) => 200 + 20 * share),
    CALLS,
  );
  expect(isFlat(slow, CALLS, 1_000)).toBe(true);
  const leak = memoryCourse(
    run((share) => 150 + 75 * share),
    CALLS,
  );
  expect(isFlat(leak, CALLS, 1_000)).toBe(false);
});

test("a single look above the ceiling fails the run, however short", () => {
  const samples = [...run(() => 150), { calls: CALLS / 2, mib: 400 }];
  expect(isFlat(memoryCourse(samples, CALLS), CALLS, 320)).toBe(false);
  expect(isFlat(memoryCourse(samples, 10), 10, 320)).toBe(false);
});

test("growth is not judged in a run of few calls, which is warm-up as a whole", () => {
  const few = LEAST_CALLS - 1;
  const course = memoryCourse(
    run((share) => 100 + 100 * share, few),
    few,
  );
  expect(isFlat(course, few, 320)).toBe(true);
  expect(isFlat(course, LEAST_CALLS, 320)).toBe(false);
});

test("an early fifth without a look is no proof", () => {
  const course = memoryCourse([{ calls: CALLS * 0.9, mib: 100 }], CALLS);
  expect(isFlat(course, CALLS, 320)).toBe(false);
});
