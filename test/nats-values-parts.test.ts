import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { NatsLink } from "../src/nats/nats-link.ts";
import { PublishConflict, type Publisher } from "../src/nats/publisher.ts";
import { lastMessage, purge } from "../src/nats/stored-message.ts";
import { createValues } from "../src/nats/stream-values.ts";
import { ensureStream, streamState } from "../src/nats/streams.ts";
import { MAX_PARTS } from "../src/nats/value-parts.ts";
import { openLink, openPublisher, rejection, streamLayout, wholeText } from "./nats-rig.ts";
import { describeNats, type NatsServer, startNatsServer, uniquePrefix } from "./nats-server.ts";

/** With headroom, 4,096 bytes for a part. */
const MAX_PAYLOAD = 8_192;

describeNats("values larger than a message", () => {
  let server: NatsServer;
  beforeAll(async () => {
    server = await startNatsServer({ config: `max_payload: ${MAX_PAYLOAD}` });
  });
  afterAll(() => server[Symbol.asyncDispose]());

  async function open(wrap: (publisher: Publisher) => Publisher = (publisher) => publisher) {
    const link = await openLink(server.url);
    const stream = uniquePrefix();
    const subject = stream.toLowerCase();
    await ensureStream(link, streamLayout(stream, { maxMessagesPerSubject: 1 }));
    const publisher = wrap(openPublisher(link));
    const values = createValues({ link, publisher, stream, subject });
    const another = async () => {
      const other = await openLink(server.url);
      return createValues({ link: other, publisher: openPublisher(other), stream, subject });
    };
    return { link, stream, subject, values, another, messages: () => messagesOf(link, stream) };
  }

  it.each([4_095, 4_096, 4_097, 8_192, 8_193, 100_000])("gives back a value of %i bytes", async (bytes) => {
    const { values, messages } = await open();
    const data = randomBytes(bytes);
    const revision = await values.put("k", data, { headers: { A: "b" } });
    const value = await values.get("k");
    expect(value).toMatchObject({ revision, headers: { A: "b" } });
    expect(Buffer.compare(value?.data ?? Buffer.of(), data)).toBe(0);
    expect(value?.headers).toEqual({ A: "b" });
    expect(await messages()).toBe(bytes > 4_096 ? 1 + Math.ceil(bytes / 4_096) : 1);
  });

  it("removes the parts of what it replaces, by parts or by a small value, and by its removal", async () => {
    const { values, messages, another } = await open();
    for (let round = 0; round < 3; round += 1) await values.put("k", randomBytes(10_000));
    expect(await messages()).toBe(4);
    await values.put("k", Buffer.from("small"));
    expect(await messages()).toBe(1);
    await values.put("k", randomBytes(10_000));
    await (await another()).delete("k");
    expect(await messages()).toBe(0);
    const last = await values.put("k", randomBytes(10_000));
    await values.delete("k", last);
    expect(await messages()).toBe(0);
    await values.put("k", randomBytes(10_000));
    const other = await another();
    await other.get("k");
    await other.put("k", Buffer.from("small"));
    expect(await messages()).toBe(1);
  });

  it("does not touch the parts of longer and shorter keys", async () => {
    const { values } = await open();
    const data = randomBytes(9_000);
    for (const key of ["a", "a.b", "a.b.c"]) await values.put(key, data);
    await values.delete("a.b");
    await values.put("a", Buffer.from("small"));
    expect((await values.get("a.b.c"))?.data).toEqual(data);
    expect(await values.get("a.b")).toBeUndefined();
  });

  it("does not show parts as keys", async () => {
    const { values } = await open();
    await values.put("a.b", randomBytes(30_000));
    await values.put("c", Buffer.from("x"));
    expect((await values.keys("", 100)).toSorted()).toEqual(["a.b", "c"]);
    expect(await values.keys("a", 100)).toEqual(["a.b"]);
  });

  it("refuses over the wrong revision and leaves nothing behind", async () => {
    const { values, messages } = await open();
    const data = randomBytes(9_000);
    const revision = await values.put("k", data, { expectedRevision: 0 });
    const before = await messages();
    const error = await rejection(values.put("k", randomBytes(20_000), { expectedRevision: revision + 1 }));
    expect(error).toBeInstanceOf(PublishConflict);
    expect(await messages()).toBe(before);
    expect((await values.get("k"))?.data).toEqual(data);
    await values.put("k", data, { expectedRevision: revision });
  });

  it("gives every reader a whole version while several write", async () => {
    const { values, another, messages } = await open();
    const [first, second] = [await another(), await another()];
    const version = (n: number) => Buffer.alloc(10_000 + n * 5_000, n);
    await values.put("k", version(0));
    let isWriting = true;
    const read = async () => {
      let whole = 0;
      while (isWriting) {
        const data = Buffer.from((await values.get("k"))?.data ?? []);
        expect(data.equals(version(data[0] ?? -1))).toBe(true);
        whole += 1;
      }
      return whole;
    };
    const reading = read();
    const write = async () => {
      // Two at once: the one that comes too late begins again.
      for (let n = 1; n <= 15; n += 1) {
        await Promise.all([first.put("k", version(n)), second.put("k", version(20 + n))]);
      }
    };
    const writing = write().finally(() => {
      isWriting = false;
    });
    const [whole] = await Promise.all([reading, writing]);
    expect(whole).toBeGreaterThan(0);
    const data = Buffer.from((await values.get("k"))?.data ?? []);
    expect(data.equals(version(data[0] ?? -1))).toBe(true);
    expect(await messages()).toBe(1 + Math.ceil(data.length / 4_096));
  });

  it("says so when parts are lost, instead of giving half a value", async () => {
    const { values, link, stream, subject } = await open();
    await values.put("k", randomBytes(20_000));
    await purge(link, stream, `${subject}.$part.k.*.2`);
    const error = await rejection(values.get("k"));
    expect(error.reason).toBe("LOG_UNAVAILABLE");
    expect(wholeText(error)).toMatch(/a value under t\w+ lacks parts/);
    await values.put("k", randomBytes(20_000));
    expect((await values.get("k"))?.data).toHaveLength(20_000);
  });

  it("shows nothing of a value whose writer dies between its parts", async () => {
    let failing = false;
    const { values, another, messages } = await open((publisher) => ({
      publish: (subject, payload, options) =>
        failing && !subject.includes("$part")
          ? Promise.reject(new Error("dead"))
          : publisher.publish(subject, payload, options),
    }));
    const data = randomBytes(9_000);
    await values.put("k", data);
    failing = true;
    await rejection(values.put("k", randomBytes(30_000)));
    const reader = await another();
    expect((await reader.get("k"))?.data).toEqual(data);
    await reader.put("k", data);
    expect(await messages()).toBe(4);
  });

  it("refuses a value of more parts than it takes, and stores none of it", async () => {
    const { values, messages } = await open();
    const error = await rejection(values.put("k", new Uint8Array(MAX_PARTS * 4_096 + 1)));
    expect(error).toMatchObject({ reason: "OVERLOADED" });
    expect(error.message).toMatch(/4194305 bytes would be stored, and at most 4194304/);
    expect(await messages()).toBe(0);
  });

  it("reads a message of the server's full size", async () => {
    const { link, stream, subject } = await open();
    await openPublisher(link).publish(`${subject}.full`, randomBytes(MAX_PAYLOAD));
    expect((await lastMessage(link, stream, `${subject}.full`))?.data).toHaveLength(MAX_PAYLOAD);
  });
});

async function messagesOf(link: NatsLink, stream: string): Promise<number> {
  return (await streamState(link, stream)).messages;
}
