import { ChangeNotice } from "./change-notice.ts";
import type { ConsumeOptions, Delivery } from "./subscribe-options.ts";

/**
 * Lets a handler work on each delivery: acknowledges what it returns from, refuses what it throws at. Resolves when
 * the deliveries end, once the handlers have ended; rejects with what the deliveries fail with.
 */
export async function consume(deliveries: AsyncIterable<Delivery>, options: ConsumeOptions): Promise<void> {
  const limit = Math.max(1, options.concurrency ?? 1);
  const ended = new ChangeNotice();
  let running = 0;
  try {
    for await (const delivery of deliveries) {
      running++;
      void handle(delivery, options).then(() => {
        running--;
        ended.changed();
      });
      while (running >= limit) await ended.next();
    }
  } finally {
    while (running > 0) await ended.next();
  }
}

/** Never rejects. */
async function handle(delivery: Delivery, { handler, onHandlerError }: ConsumeOptions): Promise<void> {
  try {
    await handler(delivery.event, delivery);
  } catch (error) {
    onHandlerError?.(error, delivery.event);
    void delivery.nack();
    return;
  }
  void delivery.ack();
}
