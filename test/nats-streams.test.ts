import { afterAll, beforeAll, expect, it, onTestFinished } from "vitest";
import { askJetStream } from "../src/nats/jetstream-api.ts";
import type { NatsLink } from "../src/nats/nats-link.ts";
import { streamConfig } from "../src/nats/stream-config.ts";
import { StreamMismatch } from "../src/nats/stream-errors.ts";
import type { StreamLayout } from "../src/nats/stream-layout.ts";
import { ensureStream, streamState } from "../src/nats/streams.ts";
import { Secret } from "../src/secret.ts";
import { openLink, openPublisher, rejection, streamLayout } from "./nats-rig.ts";
import { describeNats, type NatsServer, startNatsServer, uniquePrefix } from "./nats-server.ts";

describeNats("streams", () => {
  let server: NatsServer;
  beforeAll(async () => {
    server = await startNatsServer({ config: "jetstream { max_file_store: 1G }" });
  });
  afterAll(() => server[Symbol.asyncDispose]());

  it("creates a stream with all its settings, and takes it as it is from then on", async () => {
    const link = await openLink(server.url);
    const layout = richLayout();
    const created = await ensureStream(link, layout);
    expect(created).toEqual({
      description: "of a test",
      firstSequence: 0,
      lastSequence: 0,
      messages: 0,
      bytes: 0,
    });
    const { config } = await askJetStream<{ config: object }>(link, `STREAM.INFO.${layout.name}`);
    expect(config).toMatchObject({
      subjects: layout.subjects,
      storage: "file",
      retention: "limits",
      num_replicas: 1,
      max_msgs_per_subject: 3,
      max_age: 3_600_000_000_000,
      max_bytes: 1_000_000,
      discard: "old",
      duplicate_window: 60_000_000_000,
      allow_direct: true,
    });
    await openPublisher(link).publish(layout.subjects[0]?.replace(">", "x") ?? "", Buffer.from("x"));
    await server.restart();
    const again = await openLink(server.url);
    expect(await ensureStream(again, layout)).toMatchObject({
      firstSequence: 1,
      lastSequence: 1,
      messages: 1,
    });
    expect((await streamState(again, layout.name)).bytes).toBeGreaterThan(0);
  });

  it("keeps the description of the first, and tells it", async () => {
    const link = await openLink(server.url);
    const layout = richLayout();
    await ensureStream(link, layout);
    expect(await ensureStream(link, { ...layout, description: "another" })).toMatchObject({
      description: "of a test",
    });
  });

  it("lets any number of processes create it at once", async () => {
    const layout = richLayout();
    const links = await Promise.all(Array.from({ length: 6 }, () => openLink(server.url)));
    const states = await Promise.all(
      links.map((link, i) => ensureStream(link, { ...layout, description: `by ${i}` })),
    );
    expect(new Set(states.map(({ description }) => description)).size).toBe(1);
  });

  it.each<[string, Partial<StreamLayout>, string, string]>([
    ["max_age", { maxAgeMs: 7_200_000 }, "3600s", "7200s"],
    ["max_bytes", { maxBytes: 2_000_000 }, "1000000", "2000000"],
    ["max_msgs_per_subject", { maxMessagesPerSubject: 1 }, "3", "1"],
    ["discard", { discard: "new" }, "old", "new"],
    ["duplicate_window", { duplicateWindowMs: 30_000 }, "60s", "30s"],
    ["num_replicas", { replicas: 3 }, "1", "3"],
  ])("refuses a stream with another %s", async (setting, changes, found, wanted) => {
    const link = await openLink(server.url);
    const layout = richLayout();
    await ensureStream(link, layout);
    const error = await rejection(ensureStream(link, { ...layout, ...changes }));
    expect(error).toBeInstanceOf(StreamMismatch);
    expect((error as unknown as StreamMismatch).differences).toEqual([{ setting, found, wanted }]);
    expect(error.message).toContain(`${setting} is ${found} and must be ${wanted}`);
    expect(error.message).toMatch(
      /nats stream edit T\w+\) or the configuration, or choose another nats\.prefix/,
    );
  });

  it("takes subjects in any order and refuses others", async () => {
    const link = await openLink(server.url);
    const layout = richLayout();
    await ensureStream(link, layout);
    await ensureStream(link, { ...layout, subjects: layout.subjects.toReversed() });
    const error = await rejection(ensureStream(link, { ...layout, subjects: layout.subjects.slice(1) }));
    expect(error).toMatchObject({ differences: [{ setting: "subjects" }] });
  });

  it("does not compare a duplicate window that is left to the server", async () => {
    const link = await openLink(server.url);
    const layout = richLayout();
    await ensureStream(link, { ...layout, duplicateWindowMs: 0 });
    await ensureStream(link, { ...layout, duplicateWindowMs: 0 });
  });

  it.each<[string, object]>([
    ["storage", { storage: "memory" }],
    ["retention", { retention: "interest" }],
    ["retention", { retention: "workqueue" }],
    ["allow_direct", { allow_direct: false }],
    ["max_msgs", { max_msgs: 10 }],
    ["max_msg_size", { max_msg_size: 1_000 }],
    ["max_consumers", { max_consumers: 1 }],
    ["deny_delete", { deny_delete: true }],
    ["deny_purge", { deny_purge: true }],
    ["no_ack", { no_ack: true }],
    ["discard_new_per_subject", { discard: "new", discard_new_per_subject: true }],
  ])("refuses a stream that somebody else has created with %s otherwise", async (setting, changes) => {
    const link = await openLink(server.url);
    const layout = { ...richLayout(), ...("discard" in changes ? { discard: "new" as const } : {}) };
    await createByHand(link, layout, changes);
    const error = await rejection(ensureStream(link, layout));
    expect(error).toMatchObject({ name: "StreamMismatch", differences: [{ setting }] });
  });

  it("refuses a stream that copies another one", async () => {
    const link = await openLink(server.url);
    const [origin, layout] = [richLayout(), richLayout()];
    await ensureStream(link, origin);
    await createByHand(link, layout, { sources: [{ name: origin.name }] });
    const error = await rejection(ensureStream(link, layout));
    expect(error).toMatchObject({ differences: [{ setting: "sources", wanted: "not set" }] });
  });

  it("names every difference at once", async () => {
    const link = await openLink(server.url);
    const layout = richLayout();
    await ensureStream(link, layout);
    const error = await rejection(
      ensureStream(link, { ...layout, maxBytes: 5, maxAgeMs: 0, discard: "new" }),
    );
    const names = (error as unknown as StreamMismatch).differences.map(({ setting }) => setting);
    expect(names.toSorted()).toEqual(["discard", "max_age", "max_bytes"]);
  });

  it("names the setting when there are too few servers for the replicas", async () => {
    const link = await openLink(server.url);
    const error = await rejection(ensureStream(link, { ...richLayout(), replicas: 3 }));
    expect(error).toMatchObject({ name: "StreamSetupError", reason: "REPLICAS" });
    expect(error.message).toMatch(
      /nats\.replicas asks for 3 servers with JetStream; add servers or lower it/,
    );
  });

  it("says that there is no room", async () => {
    const link = await openLink(server.url);
    const error = await rejection(ensureStream(link, { ...richLayout(), maxBytes: 2 ** 40 }));
    expect(error).toMatchObject({ name: "StreamSetupError", reason: "STORAGE" });
  });

  it("says that another stream takes the subjects", async () => {
    const link = await openLink(server.url);
    const layout = richLayout();
    await ensureStream(link, layout);
    const error = await rejection(ensureStream(link, { ...layout, name: uniquePrefix() }));
    expect(error).toMatchObject({ name: "StreamSetupError", reason: "SUBJECTS" });
  });

  it("says that the account has no JetStream", async () => {
    const other = await startNatsServer({ config: "accounts { A: { users: [{ user: a, password: b }] } }" });
    onTestFinished(() => other[Symbol.asyncDispose]());
    const auth = { kind: "password", user: "a", password: new Secret("b") } as const;
    const link = await openLink(other.url, { auth });
    const error = await rejection(ensureStream(link, richLayout()));
    expect(error).toMatchObject({ name: "StreamSetupError", reason: "DISABLED" });
    expect(error.message).toMatch(/enable JetStream on the server and for the account/);
  });

  it("rejects the state of a stream that is not there", async () => {
    const link = await openLink(server.url);
    const error = await rejection(streamState(link, uniquePrefix()));
    expect(error).toMatchObject({ reason: "LOG_UNAVAILABLE", cause: { code: "JETSTREAM_10059" } });
  });
});

function richLayout(): StreamLayout {
  const name = uniquePrefix();
  return streamLayout(name, {
    subjects: [`${name.toLowerCase()}.a.>`, `${name.toLowerCase()}.b.>`],
    maxMessagesPerSubject: 3,
    maxAgeMs: 3_600_000,
    maxBytes: 1_000_000,
    discard: "old",
  });
}

/** Creates a stream as an operator might, with some settings of its own. */
async function createByHand(link: NatsLink, layout: StreamLayout, changes: object): Promise<void> {
  await askJetStream(link, `STREAM.CREATE.${layout.name}`, { ...streamConfig(layout), ...changes });
}
