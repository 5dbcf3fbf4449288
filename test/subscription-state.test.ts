import { create } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EventFilterSchema } from "../gen/infobip/events/v1/event_filter_pb.js";
import {
  decodeState,
  encodeState,
  type SubscriptionState,
} from "../src/eventlog/embedded/subscriptions/subscription-state.ts";
import { UnsettledEvent } from "../src/eventlog/embedded/subscriptions/unsettled-event.ts";
import { UnsettledSet } from "../src/eventlog/embedded/subscriptions/unsettled-set.ts";

function setOf(sequences: Iterable<number>, redriven = false): UnsettledSet {
  const set = new UnsettledSet(redriven);
  for (const sequence of sequences) set.add(new UnsettledEvent(sequence, redriven, undefined));
  return set;
}

function stateOf(parts: Partial<SubscriptionState> = {}): SubscriptionState {
  return {
    settings: {
      filter: undefined,
      maxInFlight: 1_000,
      maxAttempts: 10,
      minBackoffMs: 1_000,
      maxBackoffMs: 600_000,
    },
    createTimeMs: 1_700_000_000_000,
    updateTimeMs: 1_700_000_000_001,
    filterFrom: 5,
    position: 100_000,
    gap: undefined,
    unsettled: new UnsettledSet(false),
    redriven: new UnsettledSet(true),
    ...parts,
  };
}

const numbersOf = (set: UnsettledSet): number[] => [...set].map(({ sequence }) => sequence);

describe("stored state of a subscription", () => {
  it("keeps settings, times, positions and the gap", () => {
    const filter = create(EventFilterSchema, { messageIds: ["ž€😀"], finalOnly: false });
    for (const gap of [undefined, { from: 0, to: 0 }, { from: 7, to: 2 ** 40 }]) {
      const state = stateOf({ gap, position: 2 ** 50 });
      const settings = { ...state.settings, filter };
      const { unsettled, redriven, ...rest } = decodeState(encodeState({ ...state, settings }));
      expect([unsettled.size, redriven.size]).toEqual([0, 0]);
      const { unsettled: _, redriven: __, ...expected } = { ...state, settings };
      expect(rest).toEqual(expected);
    }
  });

  it("keeps unsettled events with failures, delays and doom", () => {
    const unsettled = setOf([3, 4, 5, 900, 2 ** 45]);
    Object.assign(unsettled.get(4) ?? {}, {
      attempts: 3,
      failure: "LEASE_EXPIRED",
      notBeforeMs: 1_700_000_000_000,
    });
    Object.assign(unsettled.get(900) ?? {}, { attempts: 999, failure: "NACK", doomed: true, notBeforeMs: 1 });
    const redriven = setOf([1, 900], true);
    Object.assign(redriven.get(1) ?? {}, { attempts: 1, failure: "CONNECTION_LOST" });
    const decoded = decodeState(encodeState(stateOf({ unsettled, redriven })));
    expect([...decoded.unsettled]).toEqual([...unsettled]);
    expect([...decoded.redriven]).toEqual([...redriven]);
  });

  it("takes a few bytes for one stuck event among many, and for many that wait", () => {
    const empty = encodeState(stateOf()).length;
    expect(encodeState(stateOf({ unsettled: setOf([1]) })).length - empty).toBeLessThan(10);
    const all = setOf(Array.from({ length: 20_000 }, (_, i) => i + 1));
    expect(encodeState(stateOf({ unsettled: all })).length - empty).toBeLessThan(1_000);
    for (let n = 1; n <= 20_000; n++) {
      const event = n % 1_000 === 0 ? undefined : all.get(n);
      if (event) all.remove(event);
    }
    expect(numbersOf(all)).toEqual(Array.from({ length: 20 }, (_, i) => (i + 1) * 1_000));
    expect(encodeState(stateOf({ unsettled: all })).length - empty).toBeLessThan(200);
  });

  it("refuses bytes that are no such state", () => {
    const bytes = encodeState(stateOf({ unsettled: setOf([1, 5]) }));
    expect(() => decodeState(Uint8Array.from([9, ...bytes.subarray(1)]))).toThrow(/unknown version/);
    for (let length = 0; length < bytes.length; length++) {
      expect(() => decodeState(bytes.subarray(0, length))).toThrow(/ends too early/);
    }
  });

  it("is the same whatever order events are added and removed in", () => {
    const change = fc.record({ sequence: fc.integer({ min: 1, max: 2_000 }), remove: fc.boolean() });
    fc.assert(
      fc.property(fc.array(change, { maxLength: 3_000, size: "max" }), (changes) => {
        const set = new UnsettledSet(false);
        const model = new Set<number>();
        for (const [i, { sequence, remove }] of changes.entries()) {
          expect(set.get(sequence) !== undefined).toBe(model.has(sequence));
          applyTo(set, sequence, remove);
          if (remove) model.delete(sequence);
          else model.add(sequence);
          if (i % 50 === 0) encodeState(stateOf({ unsettled: set }));
        }
        const expected = [...model].sort((a, b) => a - b);
        expect([set.size, set.first?.sequence]).toEqual([expected.length, expected[0]]);
        expect(numbersOf(decodeState(encodeState(stateOf({ unsettled: set }))).unsettled)).toEqual(expected);
      }),
      { numRuns: 60, seed: 7 },
    );
  });
});

function applyTo(set: UnsettledSet, sequence: number, remove: boolean): void {
  const known = set.get(sequence);
  if (known === undefined && !remove) set.add(new UnsettledEvent(sequence, false, undefined));
  else if (known !== undefined && remove) set.remove(known);
}
