/** A message of a stream, as a consumer delivers it. */
export interface StreamMessage {
  /** Its sequence in the stream. */
  readonly sequence: number;
  /** Unix milliseconds by the server's clock. */
  readonly timeMs: number;
  readonly payload: Buffer;
}

/** Digits of a time in nanoseconds that are less than a millisecond. */
const NANO_DIGITS = 6;
const ZERO = "0".charCodeAt(0);

/** What the reply subject of a delivered message tells. */
export interface Delivery {
  /** Sequence in the stream. */
  readonly sequence: number;
  /** Number of the delivery, from 1, without gaps for each consumer. */
  readonly delivery: number;
  /** Unix milliseconds by the server's clock. */
  readonly timeMs: number;
  /** Messages that the consumer has still to deliver. */
  readonly pending: number;
}

/**
 * Reads the reply subject of a message that a consumer has delivered:
 * `$JS.ACK.[<domain>.<account>.]<stream>.<consumer>.<attempt>.<sequence>.<delivery>.<time>.<pending>[.<token>]`.
 * `marker` is `.<stream>.<consumer>.`; undefined for a message of another consumer.
 */
export function parseDelivery(reply: string, marker: string): Delivery | undefined {
  const at = reply.indexOf(marker);
  if (at < 0) return undefined;
  // Read digit by digit, as this is done for each message: splitting costs several times as much.
  const attemptEnd = reply.indexOf(".", at + marker.length);
  const sequenceEnd = reply.indexOf(".", attemptEnd + 1);
  const deliveryEnd = reply.indexOf(".", sequenceEnd + 1);
  const timeEnd = reply.indexOf(".", deliveryEnd + 1);
  if (attemptEnd < 0 || sequenceEnd < 0 || deliveryEnd < 0 || timeEnd < 0) return undefined;
  const pendingEnd = reply.indexOf(".", timeEnd + 1);
  return {
    sequence: readNumber(reply, attemptEnd + 1, sequenceEnd),
    delivery: readNumber(reply, sequenceEnd + 1, deliveryEnd),
    // Nanoseconds do not fit a number exactly; their first digits are milliseconds.
    timeMs: readNumber(reply, deliveryEnd + 1, timeEnd - NANO_DIGITS),
    pending: readNumber(reply, timeEnd + 1, pendingEnd < 0 ? reply.length : pendingEnd),
  };
}

/** Reads decimal digits; NaN when there are none or anything else is among them. */
function readNumber(text: string, from: number, to: number): number {
  let value = from < to ? 0 : Number.NaN;
  for (let at = from; at < to; at++) {
    const digit = text.charCodeAt(at) - ZERO;
    value = digit >= 0 && digit <= 9 ? value * 10 + digit : Number.NaN;
  }
  return value;
}
