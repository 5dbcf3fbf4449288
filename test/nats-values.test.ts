import { afterAll, beforeAll, expect, it } from "vitest";
import { PublishConflict } from "../src/nats/publisher.ts";
import { createValues } from "../src/nats/stream-values.ts";
import { ensureStream, streamState } from "../src/nats/streams.ts";
import { openLink, openPublisher, reconnected, rejection, streamLayout } from "./nats-rig.ts";
import { describeNats, type NatsServer, startNatsServer, uniquePrefix } from "./nats-server.ts";

describeNats("values in a stream", () => {
  let server: NatsServer;
  beforeAll(async () => {
    server = await startNatsServer();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  async function open(maxBytes = 64 * 1024 * 1024) {
    const link = await openLink(server.url);
    const stream = uniquePrefix();
    await ensureStream(link, streamLayout(stream, { maxMessagesPerSubject: 1, maxBytes }));
    const values = createValues({
      link,
      publisher: openPublisher(link),
      stream,
      subject: stream.toLowerCase(),
    });
    const text = async (key: string) => {
      const value = await values.get(key);
      return value === undefined ? undefined : Buffer.from(value.data).toString();
    };
    return { link, values, text, messages: async () => (await streamState(link, stream)).messages };
  }

  it("gives back what was put, with its revision, headers and time", async () => {
    const { values } = await open();
    expect(await values.get("a.b-c_D.9")).toBeUndefined();
    const data = Uint8Array.from({ length: 256 }, (_, i) => i);
    const revision = await values.put("a.b-c_D.9", data, { headers: { Owner: "x: y" } });
    const value = await values.get("a.b-c_D.9");
    expect(value).toMatchObject({ revision, headers: { Owner: "x: y" } });
    expect(Uint8Array.from(value?.data ?? [])).toEqual(data);
    expect(Math.abs((value?.timeMs ?? 0) - Date.now())).toBeLessThan(60_000);
  });

  it("keeps an empty value apart from none", async () => {
    const { values } = await open();
    await values.put("empty", new Uint8Array(0));
    expect((await values.get("empty"))?.data).toHaveLength(0);
  });

  it("replaces a value, and keeps only the last one", async () => {
    const { values, text, messages } = await open();
    const first = await values.put("k", Buffer.from("1"));
    expect(await values.put("k", Buffer.from("2"))).toBeGreaterThan(first);
    expect(await text("k")).toBe("2");
    expect(await messages()).toBe(1);
  });

  it("puts only over the expected revision", async () => {
    const { values, text } = await open();
    const first = await values.put("k", Buffer.from("1"), { expectedRevision: 0 });
    const taken = await rejection(values.put("k", Buffer.from("2"), { expectedRevision: 0 }));
    expect(taken).toBeInstanceOf(PublishConflict);
    expect(taken).toMatchObject({ lastSequence: first });
    const second = await values.put("k", Buffer.from("3"), { expectedRevision: first });
    expect(await rejection(values.put("k", Buffer.from("4"), { expectedRevision: first }))).toMatchObject({
      lastSequence: second,
    });
    expect(await text("k")).toBe("3");
  });

  it("lets one of many win that put at once", async () => {
    const { values } = await open();
    const results = await Promise.allSettled(
      Array.from({ length: 20 }, (_, i) => values.put("k", Buffer.from(`${i}`), { expectedRevision: 0 })),
    );
    expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  });

  it("deletes a value, after which there is none to expect", async () => {
    const { values, messages } = await open();
    await values.delete("k");
    await values.put("k", Buffer.from("1"));
    await values.put("k.sub", Buffer.from("2"));
    await values.delete("k");
    expect(await values.get("k")).toBeUndefined();
    expect(await messages()).toBe(1);
    expect(await values.put("k", Buffer.from("3"), { expectedRevision: 0 })).toBeGreaterThan(0);
  });

  it("deletes up to a revision and leaves what was put later", async () => {
    const { values, text } = await open();
    const old = await values.put("k", Buffer.from("1"));
    await values.put("k", Buffer.from("2"));
    await values.delete("k", old);
    await values.delete("k", 0);
    expect(await text("k")).toBe("2");
    const last = await values.put("k", Buffer.from("3"));
    await values.delete("k", last);
    expect(await text("k")).toBeUndefined();
  });

  it("finds keys by whole tokens, not more than asked for", async () => {
    const { values } = await open();
    for (const key of ["dead.s1", "dead.s1.7", "dead.s1.8.x", "dead.s10.1", "state.s1"]) {
      await values.put(key, Buffer.from("x"));
    }
    expect((await values.keys("dead.s1", 10)).toSorted()).toEqual(["dead.s1.7", "dead.s1.8.x"]);
    expect((await values.keys("dead", 10)).toSorted()).toEqual([
      "dead.s1",
      "dead.s1.7",
      "dead.s1.8.x",
      "dead.s10.1",
    ]);
    expect(await values.keys("", 10)).toHaveLength(5);
    expect(await values.keys("", 2)).toHaveLength(2);
    expect(await values.keys("", 0)).toEqual([]);
    expect(await values.keys("none", 10)).toEqual([]);
  });

  it.each(["", "a..b", ".a", "a.", "a b", "a.*", ">", "a\r\nb", "$part.a", "é"])(
    "refuses the key %j",
    async (key) => {
      const { values } = await open();
      await expect(values.put(key, Buffer.from("x"))).rejects.toThrow(TypeError);
      await expect(values.get(key)).rejects.toThrow(TypeError);
      await expect(values.delete(key)).rejects.toThrow(TypeError);
    },
  );

  it("replaces values also in a full stream, and refuses further ones", async () => {
    const { values, text } = await open(2_000);
    await values.put("a", new Uint8Array(1_500));
    const error = await rejection(values.put("b", new Uint8Array(1_500)));
    expect(error.reason).toBe("LOG_UNAVAILABLE");
    await values.put("a", Buffer.from("small"));
    expect(await text("a")).toBe("small");
    await values.put("b", new Uint8Array(1_000));
  });

  it("has everything after a restart of the server", async () => {
    const { values, text, link } = await open();
    await values.put("k", Buffer.from("kept"));
    const back = reconnected(link);
    await server.restart("SIGKILL");
    await back;
    expect(await text("k")).toBe("kept");
  });
});
