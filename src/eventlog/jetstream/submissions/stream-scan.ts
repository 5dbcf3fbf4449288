import type { NatsLink } from "../../../nats/nats-link.ts";
import type { ClockTimer } from "../../../timer.ts";
import { StreamConsumer } from "../stream-consumer.ts";
import type { StoredMessage } from "./stored-message.ts";

/** Longest wait for the next messages, in milliseconds. */
const BATCH_TIMEOUT_MS = 10_000;

/** What {@link scanStream} works with. */
export interface StreamScanParts {
  readonly link: NatsLink;
  /** Name of the stream. */
  readonly stream: string;
  readonly timer: ClockTimer;
}

/**
 * Hands over the messages of a stream that a filter matches and that are there
 * when it begins, in order. Nobody else may remove any meanwhile. Rejects with
 * ServiceError, or with ConsumerEnded when the server does not deliver them all.
 */
export async function scanStream(
  { link, stream, timer }: StreamScanParts,
  filter: string,
  onBatch: (messages: readonly StoredMessage[]) => Promise<void>,
): Promise<void> {
  using consumer = await StreamConsumer.open({ link, stream, timer, filter, from: 1 });
  for (let left = consumer.pendingAtOpen; left > 0; ) {
    const callOff = timer.schedule(BATCH_TIMEOUT_MS, () => consumer.end("the server does not deliver"));
    const messages = (await consumer.next().finally(callOff)).slice(0, left);
    await onBatch(messages.map(({ sequence, payload: data }) => ({ sequence, data })));
    left -= messages.length;
  }
}
