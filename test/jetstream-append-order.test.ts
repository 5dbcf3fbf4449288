import { expect, test, vi } from "vitest";
import { encodeEvents } from "../src/eventlog/jetstream/event-message.ts";
import { JetStreamAppender, MAX_TURNS } from "../src/eventlog/jetstream/jetstream-appender.ts";
import type { PublishAck, Publisher } from "../src/nats/publisher.ts";
import { sampleEvent } from "./event-log-samples.ts";

/** A stream that acknowledges when it is told to. */
class SlowStream implements Publisher {
  readonly open: PromiseWithResolvers<PublishAck>[] = [];
  #last = 0;

  readonly ids: (string | undefined)[] = [];

  publish(...[, , options]: Parameters<Publisher["publish"]>): Promise<PublishAck> {
    this.ids.push(options?.id);
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

test("a message with very many events takes a bounded number of round trips, and keeps their order", async () => {
  const { stream, appender } = setUp();
  const count = MAX_TURNS + 500;
  const events = Array.from({ length: count }, (_, n) => ({
    ...sampleEvent(1),
    fingerprint: Buffer.from(n.toString(16).padStart(16, "0"), "hex"),
  }));
  const appended = appender.append(events);
  let turns = 0;
  for (let told = 0; told < count; turns++) {
    await vi.waitFor(() => expect(stream.open.length).toBeGreaterThan(told));
    const { length } = stream.open;
    for (; told < length; told++) stream.acknowledge(told);
  }
  expect(await appended).toMatchObject({ appended: count });
  expect(turns).toBe(MAX_TURNS);
  expect(stream.ids).toEqual(encodeEvents(events).map(({ id }) => id));
});

test("messages with one event each go out together", async () => {
  const { stream, appender } = setUp();
  const appended = appender.append([sampleEvent(1), sampleEvent(2), sampleEvent(3)]);
  await vi.waitFor(() => expect(stream.open).toHaveLength(3));
  stream.acknowledge(0, 1, 2);
  expect(await appended).toMatchObject({ appended: 3 });
});
