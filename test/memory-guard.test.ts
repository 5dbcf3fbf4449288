import { expect, test } from "vitest";
import { MemoryGuard, SAMPLE_MS } from "../src/memory-guard.ts";
import { ManualTimer } from "./fixtures/manual-timer.ts";

const MIB = 1024 ** 2;

function rig(limitBytes: number | undefined, ofTheGroup: number | undefined = 1000 * MIB) {
  const timer = new ManualTimer();
  const changes: [boolean, number][] = [];
  const state = { usedMiB: 100 };
  const guard = new MemoryGuard({
    memory: { limitBytes: () => ofTheGroup, usedBytes: () => state.usedMiB * MIB },
    limitBytes,
    timer,
    onChange: (isRefusing, usedBytes) => changes.push([isRefusing, usedBytes / MIB]),
  });
  const use = (usedMiB: number): boolean => {
    state.usedMiB = usedMiB;
    timer.advance(SAMPLE_MS);
    return guard.isRefusing;
  };
  return { guard, timer, changes, use };
}

test("work is refused within 5 % of the limit, and taken again 10 % below it", () => {
  const { guard, use, changes } = rig(undefined);
  expect(guard.limitBytes).toBe(1000 * MIB);
  expect([949, 950, 999, 901, 900, 899, 949].map(use)).toEqual([false, true, true, true, true, false, false]);
  expect(changes).toEqual([
    [true, 950],
    [false, 899],
  ]);
});

test("the setting goes before the limit of the control group", () => {
  const { use } = rig(200 * MIB);
  expect([189, 190].map(use)).toEqual([false, true]);
});

test.each([
  ["the setting is 0", 0, 1000 * MIB],
  ["nothing limits the process", undefined, undefined],
])("nothing is refused or looked at when %s", (_name, setting, ofTheGroup) => {
  const timer = new ManualTimer();
  const memory = { limitBytes: () => ofTheGroup, usedBytes: () => Number.MAX_SAFE_INTEGER };
  const guard = new MemoryGuard({ memory, limitBytes: setting, timer, onChange: () => expect.fail() });
  expect([guard.isRefusing, guard.limitBytes, timer.size]).toEqual([false, undefined, 0]);
});

test("a guard that is disposed of looks no more", () => {
  const { guard, timer } = rig(undefined);
  expect(timer.size).toBe(1);
  guard[Symbol.dispose]();
  expect(timer.size).toBe(0);
});
