import { expect, it } from "vitest";
import { GrowingWaits } from "../src/nats/reconnect-waits.ts";

const WAITS = { first: 100, longest: 5_000 };

function series(waits: GrowingWaits, servers: number, attempts: number): number[] {
  return Array.from({ length: attempts }, () => {
    waits.attempted(servers);
    return waits.current;
  });
}

it("doubles with each attempt at a single server, up to the longest", () => {
  const waits = new GrowingWaits(WAITS, () => 1);
  expect(waits.current).toBe(100);
  expect(series(waits, 1, 8)).toEqual([200, 400, 800, 1_600, 3_200, 5_000, 5_000, 5_000]);
});

it("grows once all servers had their turn", () => {
  const waits = new GrowingWaits(WAITS, () => 1);
  expect(series(waits, 3, 7)).toEqual([100, 100, 200, 200, 200, 400, 400]);
});

it("spreads each wait over its upper half", () => {
  expect(series(new GrowingWaits(WAITS, () => 0), 1, 3)).toEqual([100, 200, 400]);
  expect(series(new GrowingWaits(WAITS, () => 0.5), 1, 3)).toEqual([150, 300, 600]);
});

it("begins again after a connection", () => {
  const waits = new GrowingWaits(WAITS, () => 1);
  series(waits, 1, 10);
  waits.reset();
  expect(waits.current).toBe(100);
  expect(series(waits, 1, 1)).toEqual([200]);
});

it("keeps to the longest wait however long it takes", () => {
  const waits = new GrowingWaits(WAITS, () => 1);
  expect(series(waits, 1, 5_000).at(-1)).toBe(5_000);
});
