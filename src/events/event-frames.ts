import type { EventRecord } from "../eventlog/event-log.ts";
import { lengthDelimitedTag, varintLength, writeVarint } from "../eventlog/protobuf-wire.ts";

/** Most events of one frame. */
export const MAX_FRAME_EVENTS = 256;
/** Most bytes of events in one frame; a larger event comes alone. */
export const MAX_FRAME_BYTES = 1024 * 1024;

// Field numbers of WatchEventsResponse.events and EventBatch.events; test/watch-frames.test.ts decodes them.
const FRAME_EVENTS_TAG = lengthDelimitedTag(2);
const BATCH_EVENT_TAG = lengthDelimitedTag(1);

/** An encoded WatchEventsResponse with events, and the sequence of the last of them. */
export interface EventFrame {
  readonly bytes: Uint8Array;
  readonly lastSequence: number;
}

/** Puts stored events into `events` frames without decoding them. */
export function* eventFrames(records: readonly EventRecord[]): Generator<EventFrame> {
  let start = 0;
  let bytes = 0;
  for (const [index, record] of records.entries()) {
    const length = 1 + varintLength(record.encoded.length) + record.encoded.length;
    const full = index - start === MAX_FRAME_EVENTS || bytes + length > MAX_FRAME_BYTES;
    if (full && index > start) {
      yield frame(records.slice(start, index), bytes);
      start = index;
      bytes = 0;
    }
    bytes += length;
  }
  if (start < records.length) yield frame(records.slice(start), bytes);
}

function frame(records: readonly EventRecord[], batchLength: number): EventFrame {
  const bytes = Buffer.allocUnsafe(1 + varintLength(batchLength) + batchLength);
  bytes[0] = FRAME_EVENTS_TAG;
  let at = writeVarint(bytes, 1, batchLength);
  let lastSequence = 0;
  for (const { encoded, sequence } of records) {
    bytes[at++] = BATCH_EVENT_TAG;
    at = writeVarint(bytes, at, encoded.length);
    bytes.set(encoded, at);
    at += encoded.length;
    lastSequence = sequence;
  }
  return { bytes, lastSequence };
}
