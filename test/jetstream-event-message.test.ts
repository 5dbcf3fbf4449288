import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { unpackBatch } from "../src/eventlog/embedded/batch-buffer.ts";
import { decodeMessage, encodeEvents } from "../src/eventlog/jetstream/event-message.ts";
import {
  assembleParts,
  cutEvent,
  encodePartedEvent,
  PartedEvent,
} from "../src/eventlog/jetstream/parted-event.ts";
import { parseDelivery } from "../src/eventlog/jetstream/stream-message.ts";
import { sampleEvent, sampleEvents } from "./event-log-samples.ts";

const at = (payload: Uint8Array, sequence = 9, timeMs = 5) =>
  decodeMessage({ sequence, timeMs, payload: Buffer.from(payload) });

function eventOf(payload: Uint8Array) {
  const entry = at(payload);
  if (typeof entry !== "object" || entry instanceof PartedEvent) throw new Error(`no event: ${entry}`);
  const batch = Buffer.from(entry.packed);
  const [event] = unpackBatch(batch);
  return { entry, event, encoded: batch.subarray(event?.encodedAt, event?.encodedEnd) };
}

describe("messages of the event stream", () => {
  it("hold each event as it was given", () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ id: fc.string({ unit: "grapheme" }), raw: fc.uint8Array({ maxLength: 300 }) })),
        (items) => {
          const events = items.map(({ id, raw }, n) => ({ ...sampleEvent(n, { messageId: id }), raw }));
          for (const [n, { payload }] of encodeEvents(events).entries()) {
            const { event, encoded } = eventOf(payload);
            expect(event?.messageId).toBe(Buffer.from(events[n]?.columns.messageId ?? "").toString());
            expect(Buffer.from(event?.raw ?? [])).toEqual(Buffer.from(events[n]?.raw ?? []));
            expect(Buffer.from(encoded)).toEqual(Buffer.from(events[n]?.encoded ?? []));
          }
        },
      ),
    );
  });

  it("take the server's time unless they have their own", () => {
    const times = encodeEvents(sampleEvents(1, 2), [0, 1_700_000_000_123]);
    expect(times.map(({ payload }) => eventOf(payload).entry.recordTimeMs)).toEqual([5, 1_700_000_000_123]);
  });

  it("have the same id for a repeat, and another for anything else", () => {
    const id = (event: ReturnType<typeof sampleEvent>) => encodeEvents([event])[0]?.id;
    const event = sampleEvent(1);
    expect(id(event)).toMatch(/^[\w-]{22}$/);
    expect(id({ ...sampleEvent(1, {}, "other"), encoded: Buffer.from("other") })).toBe(id(event));
    const other = [sampleEvent(2), sampleEvent(1, { messageId: "m-2" }), sampleEvent(1, { messageId: "" })];
    expect(new Set([event, ...other].map(id)).size).toBe(4);
  });

  it("hold nothing of what was in memory before", () => {
    const [first, second] = [1, 2].map(() => encodeEvents([sampleEvent(1)])[0]?.payload);
    expect(first).toEqual(second);
  });

  it("are damaged, and never throw, when they are anything else", () => {
    const [whole] = encodeEvents([sampleEvent(1)]);
    const payload = whole?.payload ?? Buffer.alloc(0);
    for (let length = 0; length < payload.length; length++)
      expect(at(payload.subarray(0, length))).toBe("damaged");
    expect(at(Buffer.concat([payload, Buffer.of(0)]))).toBe("damaged");
    const noTime = Buffer.from(payload);
    for (const time of [Number.NaN, -1, 0.5, 1e300]) {
      noTime.writeDoubleLE(time, 1);
      expect(at(noTime)).toBe("damaged");
    }
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.integer({ min: 0, max: 4 }), (bytes, format) => {
        at(Buffer.from([format, ...bytes]));
      }),
    );
  });
});

describe("events in parts", () => {
  const [{ payload } = { payload: Buffer.alloc(0) }] = encodeEvents(
    [sampleEvent(1, {}, "x".repeat(5_000))],
    [77],
  );
  const cut = cutEvent(payload, 1_000);
  const stored = new Map(cut?.parts.map((part, n) => [n + 1, Buffer.from(part)]));
  const parted = at(encodePartedEvent(payload, cut?.contentId ?? "", [...stored.keys()]), 100);
  const assemble = (parts: Map<number, Buffer>) => {
    if (!(parted instanceof PartedEvent)) throw new Error("not in parts");
    return assembleParts(parted, async (sequence) => parts.get(sequence));
  };

  it("are put together as they were", async () => {
    expect(stored.size).toBeGreaterThan(5);
    expect([...stored.values()].every((part) => part.length <= 1_000 && at(part) === "nothing")).toBe(true);
    expect(await assemble(stored)).toEqual({
      sequence: 100,
      recordTimeMs: 77,
      packed: payload.subarray(9),
    });
  });

  it("are nothing when a part is gone, is another, or is in another's place", async () => {
    const [first, second] = [stored.get(1), stored.get(2)];
    if (first === undefined || second === undefined) throw new Error("too few parts");
    expect(await assemble(new Map([...stored].filter(([n]) => n !== 3)))).toBeUndefined();
    expect(await assemble(new Map([...stored, [1, second], [2, first]]))).toBeUndefined();
    expect(await assemble(new Map([...stored, [1, Buffer.of(3)]]))).toBeUndefined();
    expect(await assemble(new Map([...stored, [1, Buffer.alloc(0)]]))).toBeUndefined();
  });

  it("are refused when they are too large for that", () => {
    expect(cutEvent(Buffer.alloc(33 * 1024 * 1024), 1_000_000)).toBeUndefined();
    expect(cutEvent(Buffer.alloc(2_000_000), 1_000)).toBeUndefined();
  });
});

describe("what a delivery tells", () => {
  const numbers = "1.12.3.1795468512659138559.7";
  const expected = { sequence: 12, delivery: 3, timeMs: 1_795_468_512_659, pending: 7 };

  it("is read in the forms of all servers", () => {
    expect(parseDelivery(`$JS.ACK.S.c.${numbers}`, ".S.c.")).toEqual(expected);
    expect(parseDelivery(`$JS.ACK.hub.AbC.S.c.${numbers}.xYz`, ".S.c.")).toEqual(expected);
  });

  it("is nothing of another consumer's", () => {
    expect(parseDelivery(`$JS.ACK.S.d.${numbers}`, ".S.c.")).toBeUndefined();
  });
});
