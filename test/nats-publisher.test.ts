import { afterAll, beforeAll, expect, it } from "vitest";
import type { NatsLink } from "../src/nats/nats-link.ts";
import { PublishConflict, type PublishOptions } from "../src/nats/publisher.ts";
import { lastMessage } from "../src/nats/stored-message.ts";
import { ensureStream, streamState } from "../src/nats/streams.ts";
import { openLink, openPublisher, rejection, streamLayout, wholeText } from "./nats-rig.ts";
import { describeNats, type NatsServer, startNatsServer, uniquePrefix } from "./nats-server.ts";

describeNats("publishing to a stream", () => {
  let server: NatsServer;
  beforeAll(async () => {
    server = await startNatsServer();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  async function withStream(changes: Parameters<typeof streamLayout>[1] = {}) {
    const link = await openLink(server.url);
    const name = uniquePrefix();
    await ensureStream(link, streamLayout(name, changes));
    return { link, name, subject: name.toLowerCase(), publisher: openPublisher(link) };
  }

  const storedText = async (link: NatsLink, stream: string, subject: string) =>
    Buffer.from((await lastMessage(link, stream, subject))?.data ?? []).toString();

  it("keeps the order of publishes and resolves with the sequences", async () => {
    const { publisher, subject, name, link } = await withStream();
    const acks = await Promise.all(
      Array.from({ length: 2_000 }, (_, i) => publisher.publish(`${subject}.${i}`, Buffer.from(`m${i}`))),
    );
    expect(acks.map(({ sequence }) => sequence)).toEqual(acks.map((_, i) => i + 1));
    expect(acks.every(({ isDuplicate }) => !isDuplicate)).toBe(true);
    expect(await storedText(link, name, `${subject}.1234`)).toBe("m1234");
  });

  it("tells a repeat by its id, with the sequence of the first", async () => {
    const { publisher, subject } = await withStream();
    await publisher.publish(`${subject}.a`, Buffer.from("1"), { id: "one" });
    await publisher.publish(`${subject}.a`, Buffer.from("2"), { id: "two" });
    const repeat = await publisher.publish(`${subject}.a`, Buffer.from("1"), { id: "one" });
    expect(repeat).toEqual({ sequence: 1, isDuplicate: true });
  });

  it("rejects with the last sequence when the subject has moved on", async () => {
    const { publisher, subject } = await withStream();
    const first = { expectedLastOfSubject: 0 };
    await publisher.publish(`${subject}.other`, Buffer.from("x"));
    const { sequence } = await publisher.publish(`${subject}.a`, Buffer.from("x"), first);
    const error = await rejection(publisher.publish(`${subject}.a`, Buffer.from("y"), first));
    expect(error).toBeInstanceOf(PublishConflict);
    expect(error).toMatchObject({ lastSequence: sequence });
    const next = await publisher.publish(`${subject}.a`, Buffer.from("y"), {
      expectedLastOfSubject: sequence,
    });
    expect(next.sequence).toBe(sequence + 1);
  });

  it("rejects with the last sequence when the stream has moved on", async () => {
    const { publisher, subject } = await withStream();
    for (const part of ["a", "b", "c"]) await publisher.publish(`${subject}.${part}`, Buffer.from("x"));
    const error = await rejection(publisher.publish(`${subject}.d`, Buffer.from("x"), { expectedLast: 2 }));
    expect(error).toBeInstanceOf(PublishConflict);
    expect(error).toMatchObject({ lastSequence: 3 });
    expect(await publisher.publish(`${subject}.d`, Buffer.from("x"), { expectedLast: 3 })).toMatchObject({
      sequence: 4,
    });
  });

  it("stores headers", async () => {
    const { publisher, subject, name, link } = await withStream();
    await publisher.publish(`${subject}.a`, Buffer.from("x"), {
      id: "i",
      headers: { "X-One": "1 : 2", Empty: "" },
    });
    const message = await lastMessage(link, name, `${subject}.a`);
    expect(message?.headers).toEqual({ "X-One": "1 : 2", Empty: "" });
    expect(message?.timeMs).toBeGreaterThan(Date.now() - 60_000);
  });

  it.each<PublishOptions>([
    { id: "a\r\nNats-Rollup: all" },
    { headers: { "X\r\nY": "1" } },
    { headers: { "X: Y": "1" } },
    { headers: { X: "1\n2" } },
    { headers: { X: "é" } },
  ])("does not send a header that would break out of its line: %j", async (options) => {
    const { publisher, subject, link, name } = await withStream();
    await expect(publisher.publish(`${subject}.a`, Buffer.from("x"), options)).rejects.toThrow(TypeError);
    expect((await streamState(link, name)).messages).toBe(0);
  });

  it("says that no stream takes the subject", async () => {
    const { publisher } = await withStream();
    const error = await rejection(publisher.publish(uniquePrefix(), Buffer.from("x")));
    expect(error.reason).toBe("LOG_UNAVAILABLE");
    expect(wholeText(error)).toMatch(/nobody listens.*stream is missing/);
  });

  it("says that the stream is full", async () => {
    const { publisher, subject } = await withStream({ maxBytes: 2_000 });
    await publisher.publish(`${subject}.a`, new Uint8Array(1_000));
    const error = await rejection(publisher.publish(`${subject}.b`, new Uint8Array(1_000)));
    expect(error.reason).toBe("LOG_UNAVAILABLE");
    expect(error.cause).toMatchObject({
      name: "NatsFailure",
      code: expect.stringMatching(/^JETSTREAM_\d+$/),
    });
    expect(wholeText(error)).toMatch(/maximum bytes exceeded/);
  });

  it("says that a message is larger than the server takes, and keeps the connection", async () => {
    const { publisher, subject, link } = await withStream();
    const error = await rejection(publisher.publish(`${subject}.a`, new Uint8Array(link.maxPayload + 1)));
    expect(error.reason).toBe("LOG_UNAVAILABLE");
    expect(wholeText(error)).toMatch(/larger than the server's max_payload of 1048576/);
    const withHeader = publisher.publish(`${subject}.a`, new Uint8Array(link.maxPayload), { id: "x" });
    expect((await rejection(withHeader)).reason).toBe("LOG_UNAVAILABLE");
    expect(await publisher.publish(`${subject}.a`, new Uint8Array(link.maxPayload))).toMatchObject({
      sequence: 1,
    });
  });

  it("reads a server's answer that is no acknowledgement as a failure", async () => {
    const { publisher, link } = await withStream();
    const subject = uniquePrefix();
    for (const answer of ["", "{}", "[1]", "nonsense", "null"]) {
      const other = link.connection.subscribe(subject, {
        callback: (_error, message) => void message.respond(answer),
      });
      const error = await rejection(publisher.publish(subject, Buffer.from("x")));
      expect(error.reason, answer).toBe("LOG_UNAVAILABLE");
      other.unsubscribe();
    }
  });
});
