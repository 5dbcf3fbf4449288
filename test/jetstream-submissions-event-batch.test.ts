import { expect, test } from "vitest";
import { unpackBatch } from "../src/eventlog/embedded/batch-buffer.ts";
import { packEvents, unpackEvents } from "../src/eventlog/jetstream/submissions/event-batch.ts";
import { COMMIT_FIELDS_MAX_BYTES } from "../src/eventlog/stored-event.ts";
import { sampleEvent } from "./event-log-samples.ts";

/** Leaves memory behind that is not zero, for whoever takes it without clearing it. */
function soil(bytes: number): void {
  for (let n = 0; n < 64; n++) Buffer.allocUnsafeSlow(bytes).fill(0xa5);
}

test("events become bytes and events again, with zeros wherever nothing was written", () => {
  const events = [sampleEvent(1), sampleEvent(2), sampleEvent(3)];
  soil(packEvents(events).length);
  const packed = packEvents(events);
  const buffer = Buffer.from(packed);
  const unpacked = [...unpackBatch(buffer)];
  expect(unpacked).toHaveLength(3);
  for (const { encodedEnd } of unpacked) {
    const room = buffer.subarray(encodedEnd, encodedEnd + COMMIT_FIELDS_MAX_BYTES);
    expect(room.every((byte) => byte === 0)).toBe(true);
  }
  const last = unpacked.at(-1);
  expect(packed).toHaveLength((last?.encodedEnd ?? 0) + COMMIT_FIELDS_MAX_BYTES + (last?.raw.length ?? 0));
  const again = unpackEvents(packed);
  expect(again.map(({ columns }) => columns.messageId)).toEqual(["m-1", "m-2", "m-3"]);
  expect(again.map(({ raw }) => Buffer.from(raw).toString())).toEqual(["raw 1", "raw 2", "raw 3"]);
});

test("no events are no bytes", () => {
  expect(packEvents([])).toHaveLength(0);
  expect(unpackEvents(new Uint8Array())).toEqual([]);
});
