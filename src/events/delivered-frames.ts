import { lengthDelimitedTag, varintLength, writeVarint } from "../eventlog/protobuf-wire.ts";
import type { Delivery } from "../eventlog/subscription-engine.ts";
import { MAX_FRAME_BYTES, MAX_FRAME_EVENTS } from "./event-frames.ts";

// Field numbers of SubscribeResponse.events, DeliveredEventBatch.events, DeliveredEvent.event and .attempt;
// test/subscribe-frames.test.ts decodes them.
const FRAME_EVENTS_TAG = lengthDelimitedTag(2);
const BATCH_EVENT_TAG = lengthDelimitedTag(1);
const EVENT_TAG = lengthDelimitedTag(1);
const ATTEMPT_TAG = 2 << 3;

/** Puts deliveries into encoded `events` frames of SubscribeResponse without decoding the stored events. */
export function* deliveredFrames(deliveries: readonly Delivery[]): Generator<Uint8Array> {
  let start = 0;
  let bytes = 0;
  for (const [index, delivery] of deliveries.entries()) {
    const inner = innerLength(delivery);
    const length = 1 + varintLength(inner) + inner;
    const full = index - start === MAX_FRAME_EVENTS || bytes + length > MAX_FRAME_BYTES;
    if (full && index > start) {
      yield frame(deliveries.slice(start, index), bytes);
      start = index;
      bytes = 0;
    }
    bytes += length;
  }
  if (start < deliveries.length) yield frame(deliveries.slice(start), bytes);
}

/** Length of a DeliveredEvent. */
function innerLength({ record, attempt }: Delivery): number {
  const { length } = record.encoded;
  return 1 + varintLength(length) + length + 1 + varintLength(attempt);
}

function frame(deliveries: readonly Delivery[], batchLength: number): Uint8Array {
  const bytes = Buffer.allocUnsafe(1 + varintLength(batchLength) + batchLength);
  bytes[0] = FRAME_EVENTS_TAG;
  let at = writeVarint(bytes, 1, batchLength);
  for (const delivery of deliveries) {
    const { encoded } = delivery.record;
    bytes[at++] = BATCH_EVENT_TAG;
    at = writeVarint(bytes, at, innerLength(delivery));
    bytes[at++] = EVENT_TAG;
    at = writeVarint(bytes, at, encoded.length);
    bytes.set(encoded, at);
    at += encoded.length;
    bytes[at++] = ATTEMPT_TAG;
    at = writeVarint(bytes, at, delivery.attempt);
  }
  return bytes;
}
