import { afterEach, describe, expect, it } from "vitest";
import { type Event, EventType } from "../src/client/events.ts";
import type { InfobipRpcClient, WatchOptions } from "../src/client/index.ts";
import { SendOutcome } from "../src/client/messages.ts";
import { sms, startStayingRig, TRANSPORTS } from "./client-rig.ts";
import { type ServiceRig, startServiceRig } from "./fixtures/service-rig.ts";

let rig: ServiceRig;
let client: InfobipRpcClient;
afterEach(async () => {
  await client.close();
  await rig[Symbol.asyncDispose]();
});

/** Ids of the messages whose last report has come, up to so many. */
async function finals(count: number, options: WatchOptions): Promise<string[]> {
  const ids: string[] = [];
  for await (const event of client.watchEvents(options)) {
    if (event.final) ids.push(event.messageId ?? "");
    if (ids.length === count) break;
  }
  return ids;
}

async function send(...to: readonly string[]): Promise<string[]> {
  const { results } = await client.sendMessages(sms(...to));
  expect(results.map(({ outcome }) => outcome)).toEqual(to.map(() => SendOutcome.SENT));
  return results.map(({ messageId }) => messageId);
}

describe.each(TRANSPORTS)("the client's watch over %s", (_name, connectTo) => {
  it("brings every event once and in order, and tells cursors that a later watch goes on from", async () => {
    rig = await startServiceRig();
    client = connectTo(rig);
    const first = await send("1", "2");
    const cursors: string[] = [];
    const onCursor = (cursor: string): void => void cursors.push(cursor);
    expect((await finals(2, { from: "earliest", onCursor })).toSorted()).toEqual(first.toSorted());
    const second = await send("3");
    const events: { id: string; sequence: bigint }[] = [];
    for await (const event of client.watchEvents({ from: { cursor: cursors.at(-1) ?? "" } })) {
      events.push(event);
      if (event.final && event.messageId === second[0]) break;
    }
    const sequences = events.map(({ sequence }) => sequence);
    expect(sequences).toEqual(sequences.toSorted((one, other) => Number(one - other)));
    expect(new Set(events.map(({ id }) => id)).size).toBe(events.length);
  });

  it("counts an event as handled when the next one is asked for", async () => {
    rig = await startServiceRig();
    client = connectTo(rig);
    await send("1");
    await rig.simulator.idle();
    const told: string[] = [];
    const onCursor = (cursor: string): void => void told.push(cursor);
    const seen: string[] = [];
    const failing = (async () => {
      for await (const event of client.watchEvents({ from: "earliest", onCursor })) {
        seen.push(event.cursor);
        if (seen.length === 2) throw new Error("the work failed");
      }
    })();
    await expect(failing).rejects.toThrow("the work failed");
    expect(told.at(-1)).toBe(seen[0]);
  });

  it("goes on after a restart of the service, without a gap or a repeat", async () => {
    rig = await startStayingRig();
    client = connectTo(rig);
    const reconnects: string[] = [];
    const [first] = await send("1");
    await rig.simulator.idle();
    const watch = client.watchEvents({
      from: "earliest",
      onReconnect: ({ reason }) => reconnects.push(reason),
    });
    const ids = await idsUntilFinal(watch, first);
    await rig.restart();
    const { results } = await rig.messages.sendMessages(sms("2"));
    ids.push(...(await idsUntilFinal(watch, results[0]?.messageId)));
    await watch.return();
    const all: string[] = [];
    for await (const event of client.watchEvents({ from: "earliest" })) {
      all.push(event.id);
      if (all.length === ids.length) break;
    }
    expect(ids).toEqual(all);
    expect(reconnects.length).toBeGreaterThan(0);
  });

  it("ends without an error when its signal aborts, and when the client is closed", async () => {
    rig = await startServiceRig();
    client = connectTo(rig);
    const stop = new AbortController();
    await send("1");
    const watch = client.watchEvents({ from: "earliest", signal: stop.signal });
    expect((await watch.next()).done).toBe(false);
    stop.abort();
    await expect(drained(watch)).resolves.toBeUndefined();
    const other = client.watchEvents({ filter: { types: [EventType.CLICK] } });
    const ended = drained(other);
    await client.close();
    await ended;
    await expect(client.sendMessages(sms("1"))).rejects.toMatchObject({ reason: "CLIENT_CLOSED" });
  });

  it("throws what will not pass by itself", async () => {
    rig = await startServiceRig();
    client = connectTo(rig);
    const watch = client.watchEvents({ from: { cursor: "no cursor" } });
    await expect(watch.next()).rejects.toMatchObject({
      name: "InfobipRpcError",
      code: "INVALID_ARGUMENT",
      reason: "CURSOR_MALFORMED",
    });
  });
});

/** Ids of the events up to the last report of a message; the watch stays open. */
async function idsUntilFinal(
  watch: AsyncGenerator<Event, void>,
  messageId: string | undefined,
): Promise<string[]> {
  const ids: string[] = [];
  for (;;) {
    const { value: event } = await watch.next();
    if (!event) throw new Error("the watch has ended");
    ids.push(event.id);
    if (event.final && event.messageId === messageId) return ids;
  }
}

async function drained(events: AsyncIterable<unknown>): Promise<void> {
  for await (const _event of events) {
    // Only the end counts.
  }
}
