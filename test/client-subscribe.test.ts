import { afterEach, describe, expect, it } from "vitest";
import { StartPosition } from "../src/client/events.ts";
import type { InfobipRpcClient } from "../src/client/index.ts";
import { sms, startStayingRig, TRANSPORTS } from "./client-rig.ts";
import { type ServiceRig, startServiceRig } from "./fixtures/service-rig.ts";

const NAME = "subscriptions/orders";

let rig: ServiceRig;
let client: InfobipRpcClient;
afterEach(async () => {
  await client.close();
  await rig[Symbol.asyncDispose]();
});

async function subscription(minBackoffMs = 0): Promise<void> {
  await client.createSubscription({
    subscription: {
      name: NAME,
      filter: { finalOnly: true },
      minBackoff: { seconds: 0n, nanos: minBackoffMs * 1e6 },
    },
    from: { case: "start", value: StartPosition.EARLIEST },
  });
}

async function unsettled(): Promise<bigint | undefined> {
  return (await client.events.getSubscription({ name: NAME })).subscription?.status?.lagEvents;
}

describe.each(TRANSPORTS)("the client's subscribe over %s", (_name, connectTo) => {
  it("delivers each event until it is acknowledged, and says when that is stored", async () => {
    rig = await startServiceRig();
    client = connectTo(rig);
    await subscription();
    const { results } = await client.sendMessages(sms("1", "2", "3"));
    const seen: string[] = [];
    for await (const delivery of client.subscribe({ subscription: NAME })) {
      seen.push(delivery.event.messageId ?? "");
      expect(delivery.attempt).toBe(1);
      expect(await delivery.ack()).toBe(true);
      if (seen.length === 3) break;
    }
    expect(seen.toSorted()).toEqual(results.map(({ messageId }) => messageId).toSorted());
    expect(await unsettled()).toBe(0n);
  });

  it("delivers again what was refused, with a higher attempt", async () => {
    rig = await startServiceRig();
    client = connectTo(rig);
    await subscription();
    await client.sendMessages(sms("1"));
    const attempts: number[] = [];
    for await (const delivery of client.subscribe({ subscription: NAME })) {
      attempts.push(delivery.attempt);
      if (delivery.attempt === 2) {
        await delivery.ack();
        break;
      }
      expect(await delivery.nack({ delayMs: 0 })).toBe(true);
    }
    expect(attempts).toEqual([1, 2]);
  });

  it("leaves what it holds without counting an attempt", async () => {
    rig = await startServiceRig();
    client = connectTo(rig);
    await subscription();
    await client.sendMessages(sms("1"));
    for await (const delivery of client.subscribe({ subscription: NAME })) {
      expect(delivery.attempt).toBe(1);
      break;
    }
    for await (const delivery of client.subscribe({ subscription: NAME })) {
      expect(delivery.attempt).toBe(1);
      await delivery.ack();
      break;
    }
  });

  it("goes on after a restart of the service; what was acknowledged does not come again", async () => {
    rig = await startStayingRig();
    client = connectTo(rig);
    await subscription();
    await client.sendMessages(sms("1", "2"));
    const stop = new AbortController();
    const handled: string[] = [];
    const reached = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const consuming = client.consume({
      subscription: NAME,
      signal: stop.signal,
      concurrency: 4,
      handler: ({ messageId }) => {
        handled.push(messageId ?? "");
        if (handled.length === 2) reached[0]?.resolve();
        if (handled.length === 3) reached[1]?.resolve();
      },
    });
    await reached[0]?.promise;
    await rig.simulator.idle();
    await rig.restart();
    await rig.messages.sendMessages(sms("3"));
    await reached[1]?.promise;
    stop.abort();
    await consuming;
    expect(new Set(handled).size).toBe(3);
    expect(handled).toHaveLength(3);
    expect(await unsettled()).toBe(0n);
  });

  it("finishes what its handlers work on before it ends, and refuses what they throw at", async () => {
    rig = await startServiceRig();
    client = connectTo(rig);
    await subscription();
    await client.sendMessages(sms("1"));
    const stop = new AbortController();
    const errors: unknown[] = [];
    const attempts: number[] = [];
    const consuming = client.consume({
      subscription: NAME,
      signal: stop.signal,
      onHandlerError: (error) => errors.push(error),
      handler: async (_event, { attempt }) => {
        attempts.push(attempt);
        if (attempt === 1) throw new Error("not this time");
        stop.abort();
        await new Promise(setImmediate);
      },
    });
    await consuming;
    expect(attempts).toEqual([1, 2]);
    expect(errors).toEqual([new Error("not this time")]);
    expect(await unsettled()).toBe(0n);
  });

  it("throws when there is no such subscription, and when it is deleted", async () => {
    rig = await startServiceRig();
    client = connectTo(rig);
    const missing = client.subscribe({ subscription: NAME });
    await expect(missing.next()).rejects.toMatchObject({ code: "NOT_FOUND", reason: "SUBSCRIPTION_UNKNOWN" });
    await subscription();
    await client.sendMessages(sms("1"));
    const deliveries = client.subscribe({ subscription: NAME });
    await (await deliveries.next()).value?.ack();
    const ended = expect(deliveries.next()).rejects.toMatchObject({ reason: "SUBSCRIPTION_CHANGED" });
    await client.events.deleteSubscription({ name: NAME });
    await ended;
  });
});
