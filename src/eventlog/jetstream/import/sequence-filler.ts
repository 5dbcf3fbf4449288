import { askJetStream } from "../../../nats/jetstream-api.ts";
import type { NatsLink } from "../../../nats/nats-link.ts";
import { type PublishAck, PublishConflict, type Publisher } from "../../../nats/publisher.ts";
import { NOTHING_PAYLOAD } from "../event-message.ts";
import { requireOnlyImported, targetWritten } from "./import-subject.ts";

/** Messages that go out together. */
const BATCH_MESSAGES = 2_000;
/** Messages after which those that are there are removed. */
const PURGE_MESSAGES = 200_000;

/** What a stream's sequences are used up with. */
export interface SequenceFillerParts {
  readonly link: NatsLink;
  readonly publisher: Publisher;
  readonly stream: string;
  /** Subject that nothing but imports publishes to. */
  readonly subject: string;
  /** Stops it between two batches. */
  readonly signal: AbortSignal;
  /** Called after each batch with the last sequence. */
  readonly onProgress: (sequence: number) => void;
}

/**
 * Uses up the sequences of a stream after one position and up to another, and
 * leaves it empty: a log from which retention has removed events begins later
 * than a stream does, and its events are to keep their sequences. Each takes a
 * message: nats-server 2.9 cannot begin a stream at another sequence, and
 * purging up to one that lies ahead leaves it with a last sequence of its own.
 *
 * Rejects with ImportError, or ServiceError LOG_UNAVAILABLE or OVERLOADED; it can be called again.
 */
export async function useUpSequences(parts: SequenceFillerParts, from: number, to: number): Promise<void> {
  const { signal, onProgress } = parts;
  let purgedAt = from;
  for (let at = from; at < to && !signal.aborted; ) {
    const count = Math.min(BATCH_MESSAGES, to - at);
    await publishNothing(parts, at, count);
    at += count;
    onProgress(at);
    if (at - purgedAt < PURGE_MESSAGES) continue;
    await purgeThrough(parts, at);
    purgedAt = at;
  }
  if (!signal.aborted) await purgeThrough(parts, to);
}

async function purgeThrough({ link, stream, subject }: SequenceFillerParts, sequence: number): Promise<void> {
  await requireOnlyImported(link, stream, subject);
  await askJetStream(link, `STREAM.PURGE.${stream}`, { seq: sequence + 1 });
}

async function publishNothing(
  { publisher, subject }: SequenceFillerParts,
  after: number,
  count: number,
): Promise<void> {
  const acks: Promise<PublishAck>[] = [];
  for (let n = 0; n < count; n++)
    acks.push(publisher.publish(subject, NOTHING_PAYLOAD, { expectedLast: after + n }));
  try {
    await Promise.all(acks);
  } catch (error) {
    throw error instanceof PublishConflict ? targetWritten(error) : error;
  }
}
