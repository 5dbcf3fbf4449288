import fc from "fast-check";
import { expect, test } from "vitest";
import { packOne } from "../src/eventlog/transfer/packed-event.ts";
import { TransferReader } from "../src/eventlog/transfer/read-transfer.ts";
import { TransferError } from "../src/eventlog/transfer/transfer-error.ts";
import {
  FRAME_BYTES,
  FRAME_HEAD_BYTES,
  NO_ITEMS,
  PREFIX_BYTES,
  type TransferHeader,
} from "../src/eventlog/transfer/transfer-format.ts";
import type { TransferItem } from "../src/eventlog/transfer/transfer-items.ts";
import { COUNT_OF_ITEM, writeTransfer } from "../src/eventlog/transfer/write-transfer.ts";
import { sampleEvent } from "./event-log-samples.ts";

const count = fc.nat();
const text = fc.string({ unit: "grapheme" });
const bytes = fc.uint8Array({ maxLength: 200 }).map((array) => Buffer.from(array));

const event = fc
  .record({ sequence: count, recordTimeMs: count, superseded: fc.boolean(), messageId: text, raw: text })
  .map(({ messageId, raw, superseded, ...rest }) => ({
    ...rest,
    packed: packOne({ ...sampleEvent(rest.sequence, { messageId }, raw), superseded }),
  }));

const item: fc.Arbitrary<TransferItem> = fc.oneof(
  event.map((fields) => ({ kind: "event" as const, ...fields })),
  fc.record({ kind: fc.constant("subscription" as const), id: text, state: bytes }),
  fc
    .record({
      subscriptionId: text,
      attempts: count,
      deadTimeMs: count,
      failure: fc.constantFrom("NACK" as const, "LEASE_EXPIRED" as const),
      redriven: fc.boolean(),
      event,
    })
    .map(
      ({ event: fields, ...rest }) => ({ kind: "deadLetter" as const, ...fields, ...rest }) as TransferItem,
    ),
  fc.record({
    kind: fc.constant("submission" as const),
    record: fc.record({
      number: count,
      id: text,
      state: fc.constantFrom(1, 2, 3),
      policy: fc.constantFrom(1, 2),
      createTimeMs: count,
      updateTimeMs: count,
      sendAfterMs: count,
      expireAfterMs: count,
      dueTimeMs: fc.integer(),
      attempts: count,
      destinations: count,
      payloadHash: bytes,
      request: bytes,
      outcome: bytes,
    }),
  }),
  fc.record({
    kind: fc.constant("answer" as const),
    requestId: text,
    saveTimeMs: count,
    payloadHash: bytes,
    response: bytes,
  }),
);

/** A header that fits the items. */
function headerFor(items: readonly TransferItem[]): TransferHeader {
  const counts = { ...NO_ITEMS } as Record<keyof typeof NO_ITEMS, number>;
  for (const { kind } of items) counts[COUNT_OF_ITEM[kind]]++;
  const rest = { logId: "0123456789abcdef", lastSubmissionNumber: 9, exportTimeMs: 1_700_000_000_000 };
  return { ...rest, earliest: 4, head: 4 + counts.events, counts };
}

function fileOf(items: readonly TransferItem[], header = headerFor(items)): Buffer {
  return Buffer.concat([...writeTransfer(header, items)].map((piece) => Buffer.from(piece.bytes)));
}

async function* chunksOf(file: Buffer, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  for (let at = 0, n = 0; at < file.length; n++) {
    const size = sizes[n % sizes.length] ?? 1;
    yield file.subarray(at, at + size);
    at += size;
  }
}

/** Everything that is given out, and the reason why nothing more is. */
async function read(file: Buffer, sizes: readonly number[] = [65_536]) {
  const items: TransferItem[] = [];
  try {
    const reader = await TransferReader.open(chunksOf(file, sizes));
    for await (const some of reader.items()) items.push(...some);
    return { items, header: reader.header, failure: undefined };
  } catch (error) {
    if (!(error instanceof TransferError)) throw error;
    return { items, header: undefined, failure: error };
  }
}

/** Items with buffers and views as text, so that they compare by their bytes. */
function plain(items: readonly TransferItem[]): unknown[] {
  return items.map(hexed);
}

function hexed(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString("hex");
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, hexed(field)]));
}

const SAMPLES = fc.sample(item, { seed: 7, numRuns: 12 });
const SAMPLE_FILE = fileOf(SAMPLES);

test("what was written is read, in whatever pieces it comes", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(item, { maxLength: 20 }),
      fc
        .array(fc.integer({ min: 0, max: 300 }), { minLength: 1 })
        .filter((sizes) => sizes.some((n) => n > 0)),
      async (items, sizes) => {
        const result = await read(fileOf(items), sizes);
        expect(result.failure).toBeUndefined();
        expect(result.header).toEqual(headerFor(items));
        expect(plain(result.items)).toEqual(plain(items));
      },
    ),
  );
});

test("items larger than a frame come whole, each for itself", async () => {
  const large = (id: string): TransferItem => ({
    kind: "subscription",
    id,
    state: Buffer.alloc(FRAME_BYTES * 3, id),
  });
  const items = [large("a"), large("b"), large("c")];
  expect(plain((await read(fileOf(items))).items)).toEqual(plain(items));
});

test("a file that was cut anywhere is told to be cut off, and what comes out before is sound", async () => {
  const whole = plain(SAMPLES);
  for (let length = PREFIX_BYTES; length < SAMPLE_FILE.length; length++) {
    const { items, failure } = await read(SAMPLE_FILE.subarray(0, length));
    expect(failure?.reason).toBe("CUT_OFF");
    expect(failure?.message).toContain(`after ${length} bytes`);
    expect(plain(items)).toEqual(whole.slice(0, items.length));
  }
});

test("a byte that was changed anywhere is noticed, and nothing changed comes out", async () => {
  const whole = plain(SAMPLES);
  for (let at = PREFIX_BYTES; at < SAMPLE_FILE.length; at++) {
    const file = Buffer.from(SAMPLE_FILE);
    file[at] = (file[at] ?? 0) ^ (1 << (at % 8));
    const { items, failure } = await read(file);
    expect(failure?.reason).toBe("DAMAGED");
    expect(plain(items)).toEqual(whole.slice(0, items.length));
  }
});

/** Lengths of the frames behind the prefix. */
function frameLengths(file: Buffer): number[] {
  const lengths: number[] = [];
  for (let at = PREFIX_BYTES; at < file.length; at += lengths.at(-1) ?? 0)
    lengths.push(FRAME_HEAD_BYTES + file.readUInt32LE(at + 1) + 4);
  return lengths;
}

test("frames that were lost, repeated or swapped are noticed", async () => {
  const frames: Buffer[] = [];
  let at = PREFIX_BYTES;
  for (const length of frameLengths(SAMPLE_FILE)) {
    frames.push(SAMPLE_FILE.subarray(at, at + length));
    at += length;
  }
  const prefix = SAMPLE_FILE.subarray(0, PREFIX_BYTES);
  const [header = prefix, first = prefix, second = prefix, ...rest] = frames;
  for (const order of [
    [header, second, first, ...rest],
    [header, second, ...rest],
    [header, first, first, second, ...rest],
    [first, second, ...rest],
  ])
    expect((await read(Buffer.concat([prefix, ...order]))).failure?.reason).toBe("DAMAGED");
  expect((await read(Buffer.concat([SAMPLE_FILE, header]))).failure?.message).toContain("follows its end");
});

test("a file that holds more or fewer items than its header counts is damaged", async () => {
  const items = SAMPLES.slice(0, 3);
  const header = headerFor(items);
  const names = Object.keys(NO_ITEMS) as (keyof typeof NO_ITEMS)[];
  for (const name of names) {
    const counts = { ...header.counts, [name]: header.counts[name] + 1 };
    const lying = { ...header, counts, head: header.earliest + counts.events };
    const { failure } = await read(fileOf(items, lying));
    expect(failure).toMatchObject({
      reason: "DAMAGED",
      message: expect.stringContaining(`number of ${name}`),
    });
  }
  const gap = { ...header, head: header.head + 1 };
  expect((await read(fileOf(items, gap))).failure?.reason).toBe("DAMAGED");
});

test("something else is no transfer file, and another version is named", async () => {
  const json = await read(Buffer.from('{"id":"0011223344556677.m-1"}\n'.repeat(10)));
  expect(json.failure?.message).toContain("log export --format transfer");
  expect(json.failure?.reason).toBe("NOT_A_TRANSFER");
  expect((await read(Buffer.alloc(0))).failure?.reason).toBe("NOT_A_TRANSFER");
  const newer = Buffer.from(SAMPLE_FILE);
  newer.writeUInt32LE(2, 8);
  expect((await read(newer)).failure).toMatchObject({
    reason: "OTHER_VERSION",
    message: expect.stringContaining("version 2"),
  });
});
