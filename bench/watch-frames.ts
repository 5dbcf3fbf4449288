/**
 * Counts the events of gRPC messages that hold WatchEventsResponse frames,
 * without decoding them: the client must not cost more than the server that is
 * measured. Fed with the bytes of one HTTP/2 stream, in pieces of any size.
 */
export class EventCounter {
  #rest: Buffer = Buffer.alloc(0);
  events = 0;
  frames = 0;

  push(piece: Buffer): void {
    let buffer = this.#rest.length === 0 ? piece : Buffer.concat([this.#rest, piece]);
    while (buffer.length >= 5) {
      const end = 5 + buffer.readUInt32BE(1);
      if (buffer.length < end) break;
      this.frames++;
      this.events += countEvents(buffer.subarray(5, end));
      buffer = buffer.subarray(end);
    }
    this.#rest = buffer;
  }
}

// WatchEventsResponse.events is field 2, EventBatch.events field 1; both are length-delimited.
const EVENTS_FRAME_TAG = 0x12;
const EVENT_TAG = 0x0a;

function countEvents(message: Buffer): number {
  if (message[0] !== EVENTS_FRAME_TAG) return 0;
  let at = readVarint(message, 1).end;
  let events = 0;
  while (at < message.length) {
    if (message[at] !== EVENT_TAG) throw new Error("not an EventBatch");
    const { value, end } = readVarint(message, at + 1);
    at = end + value;
    events++;
  }
  return events;
}

function readVarint(bytes: Buffer, from: number): { value: number; end: number } {
  let value = 0;
  let at = from;
  for (let factor = 1; ; factor *= 128) {
    const byte = bytes[at++] ?? 0;
    value += (byte & 0x7f) * factor;
    if (byte < 0x80) return { value, end: at };
  }
}
