import { describe, expect, it } from "vitest";
import { Lifecycle, type ServiceState } from "../src/lifecycle.ts";

const ROADS: readonly (readonly ServiceState[])[] = [
  ["STARTING", "RUNNING", "DRAINING", "STOPPED"],
  ["STARTING", "RUNNING", "STOPPED"],
  ["STARTING", "FAILED", "STOPPED"],
  ["STARTING", "RUNNING", "FAILED", "STOPPED"],
  ["STOPPED"],
];

describe("the lifecycle", () => {
  it.each(ROADS)("goes %s", (...road) => {
    const seen: ServiceState[] = [];
    const lifecycle = new Lifecycle((state) => seen.push(state));
    for (const state of road) lifecycle.enter(state);
    expect(seen).toEqual(road);
    expect(lifecycle.state).toBe(road.at(-1));
  });

  it("never goes back", () => {
    const lifecycle = new Lifecycle(() => {});
    lifecycle.enter("STARTING");
    lifecycle.enter("RUNNING");
    lifecycle.enter("DRAINING");
    expect(lifecycle.canEnter("RUNNING")).toBe(false);
    expect(() => lifecycle.enter("RUNNING")).toThrow("the service is DRAINING and cannot become RUNNING");
    expect(lifecycle.state).toBe("DRAINING");
  });
});
