import { expect, test, vi } from "vitest";
import { JetStreamAppender } from "../src/eventlog/jetstream/jetstream-appender.ts";
import type { PublishAck, Publisher } from "../src/nats/publisher.ts";
import { sampleEvent } from "./event-log-samples.ts";

/** A stream that acknowledges when it is told to. */
class SlowStream implements Publisher {
  readonly open: PromiseWithResolvers<PublishAck>[] = [];
  #last = 0;

  publish(): Promise<PublishAck> {
    const ack = Promise.withResolvers<PublishAck>();
    this.open.push(ack);
    return ack.promise;
  }

  acknowledge(...numbers: number[]): void {
    for (const n of numbers) this.open[n]?.resolve({ sequence: ++this.#last, isDuplicate: false });
  }
}

function setUp() {
  const stream = new SlowStream();
  const appender = new JetStreamAppender({
    publisher: stream,
    subject: "t.events.event",
    partSubject: "t.events.part",
    maxMessageBytes: () => 1024 * 1024,
  });
  return { stream, appender };
}

const later = (n: number) => ({ ...sampleEvent(n), fingerprint: Buffer.from("01020304050607ff", "hex") });

test("a message's later event goes out once its earlier one is stored; other messages do not wait", async () => {
  const { stream, appender } = setUp();
  const appended = appender.append([sampleEvent(1), later(1), sampleEvent(2), later(2), sampleEvent(3)]);
  await vi.waitFor(() => expect(stream.open).toHaveLength(3));
  stream.acknowledge(0, 1);
  await new Promise(setImmediate);
  expect(stream.open).toHaveLength(3);
  stream.acknowledge(2);
  await vi.waitFor(() => expect(stream.open).toHaveLength(5));
  stream.acknowledge(3, 4);
  expect(await appended).toEqual({ appended: 5, duplicates: 0, lastSequence: 5 });
});

test("a message's later event stays out when its earlier one was not stored", async () => {
  const { stream, appender } = setUp();
  const appended = appender.append([sampleEvent(1), later(1), sampleEvent(2)]);
  await vi.waitFor(() => expect(stream.open).toHaveLength(2));
  stream.open[0]?.reject(new Error("lost"));
  stream.acknowledge(1);
  await expect(appended).rejects.toThrow("lost");
  expect(stream.open).toHaveLength(2);
});

test("messages with one event each go out together", async () => {
  const { stream, appender } = setUp();
  const appended = appender.append([sampleEvent(1), sampleEvent(2), sampleEvent(3)]);
  await vi.waitFor(() => expect(stream.open).toHaveLength(3));
  stream.acknowledge(0, 1, 2);
  expect(await appended).toMatchObject({ appended: 3 });
});
