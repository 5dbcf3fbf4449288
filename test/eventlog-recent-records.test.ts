import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { RecentRecords } from "../src/eventlog/embedded/recent-records.ts";
import type { EventRecord, ReadResult } from "../src/eventlog/event-log.ts";
import { READ_ALL, sampleColumns } from "./event-log-samples.ts";

const record = (sequence: number): EventRecord => ({
  sequence,
  recordTimeMs: sequence,
  columns: sampleColumns({ messageId: `m-${sequence % 3}` }),
  superseded: false,
  encoded: new Uint8Array(10),
});

const range = (after: number, to: number): EventRecord[] =>
  Array.from({ length: to - after }, (_, i) => record(after + 1 + i));

function expectExact(after: number, head: number, result: ReadResult | undefined): void {
  if (result === undefined) return;
  expect(result.examinedTo).toBeGreaterThan(after);
  expect(result.examinedTo).toBeLessThanOrEqual(head);
  expect(result.records).toEqual(range(after, result.examinedTo));
}

describe("window of recent records", () => {
  it("never leaves out or invents a record, whatever is read and removed", () => {
    const step = fc.record({
      grow: fc.nat(6),
      at: fc.double({ min: 0, max: 1, noNaN: true }),
      limit: fc.integer({ min: 1, max: 5 }),
      remove: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const recent = new RecentRecords({ records: 8, bytes: 70 });
        let head = 0;
        let earliest = 0;
        for (const { grow, at, limit, remove } of steps) {
          head += grow;
          const after = earliest + Math.floor(at * (head - earliest));
          earliest = remove ? after : earliest;
          recent.removeThrough(earliest);
          const options = { ...READ_ALL, limit };
          if (recent.read(after, options) === undefined && after < head && recent.wants(after, head)) {
            const examinedTo = Math.min(head, after + limit);
            recent.add(after, { records: range(after, examinedTo), examinedTo });
          }
          expectExact(after, head, recent.read(after, options));
        }
      }),
    );
  });

  it("keeps no more than its bounds", () => {
    const recent = new RecentRecords({ records: 8, bytes: 70 });
    recent.add(0, { records: range(0, 20), examinedTo: 20 });
    expect(recent.read(12, READ_ALL)).toBeUndefined();
    expect(recent.read(13, READ_ALL)?.records).toHaveLength(7);
  });

  it("filters what it returns and stops at the byte limit", () => {
    const recent = new RecentRecords({ records: 100, bytes: 10_000 });
    recent.add(0, { records: range(0, 9), examinedTo: 9 });
    const matches = ({ messageId }: { messageId: string }): boolean => messageId === "m-0";
    const filtered = recent.read(0, { ...READ_ALL, matches });
    expect([filtered?.records.map((r) => r.sequence), filtered?.examinedTo]).toEqual([[3, 6, 9], 9]);
    const cut = recent.read(0, { ...READ_ALL, matches, maxBytes: 11 });
    expect([cut?.records.map((r) => r.sequence), cut?.examinedTo]).toEqual([[3, 6], 6]);
  });
});
