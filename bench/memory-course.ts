import { median } from "./statistics.ts";

/** Most that the median of the last fifth may be of that of the second. */
export const FLAT_FACTOR = 1.15;
/** Calls below which a run says nothing about growth: heap and caches grow to their size within the first 20,000. */
export const LEAST_CALLS = 100_000;

/** A look at resident memory. */
export interface MemorySample {
  /** Calls until then. */
  readonly calls: number;
  readonly mib: number;
}

/** Resident memory over a run, in MiB. */
export interface MemoryCourse {
  /** Medians while the second and the last fifth of all calls were made; the first fifth is the warm-up. NaN where there was no look. */
  readonly earlyMiB: number;
  readonly lateMiB: number;
  readonly peakMiB: number;
}

/** Sums up the looks at a run of so many calls. Fifths are of calls, not of time, so that a machine that is busy at first does not bend them. */
export function memoryCourse(samples: readonly MemorySample[], calls: number): MemoryCourse {
  const between = (from: number, to: number): number =>
    median(
      samples.filter((one) => one.calls >= calls * from && one.calls < calls * to).map(({ mib }) => mib),
    );
  const peakMiB = samples.reduce((most, { mib }) => Math.max(most, mib), 0);
  return { earlyMiB: between(0.2, 0.4), lateMiB: between(0.8, 1), peakMiB };
}

/** Whether memory passed no ceiling in MiB, and did not grow, for which a run of fewer than {@link LEAST_CALLS} is too short to tell. */
export function isFlat(
  { earlyMiB, lateMiB, peakMiB }: MemoryCourse,
  calls: number,
  ceilingMiB: number,
): boolean {
  if (peakMiB > ceilingMiB) return false;
  return calls < LEAST_CALLS || lateMiB <= earlyMiB * FLAT_FACTOR;
}
