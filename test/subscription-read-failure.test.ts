import { create } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { EventFilterSchema } from "../gen/infobip/events/v1/event_filter_pb.js";
import { sampleEvents } from "./event-log-samples.ts";
import { MemoryStorage } from "./fixtures/memory-storage.ts";
import {
  ack,
  FREE_SETTINGS,
  firstOf,
  nack,
  SubscriptionRig,
  TAKE_ALL,
  taken,
  unavailable,
} from "./subscription-harness.ts";

const refuse = (): never => {
  throw unavailable();
};

describe("a log that cannot be read", () => {
  it("fails takes, tells so, and loses and counts nothing", async () => {
    const storage = new MemoryStorage();
    await using rig = new SubscriptionRig(storage);
    await rig.create();
    await rig.log.append(sampleEvents(1, 6));
    const session = rig.join();
    expect(await taken(session, { maxEvents: 3 })).toEqual(firstOf(1, 3));
    await nack(session, [2]);
    storage.log.beforeRead = refuse;
    await expect(session.take(TAKE_ALL)).rejects.toMatchObject({ reason: "LOG_UNAVAILABLE" });
    expect(await session.progress()).toMatchObject({ blocked: "LOG_UNAVAILABLE", inFlight: 2, waiting: 1 });
    expect(await ack(session, 1)).toMatchObject({ acked: 1 });
    storage.log.beforeRead = () => {};
    expect(await taken(session)).toEqual(["2:2", ...firstOf(4, 6)]);
    expect(await session.progress()).toMatchObject({ blocked: undefined, inFlight: 5 });
  });

  it("tries again to restore what waits", async () => {
    const storage = new MemoryStorage();
    await using rig = new SubscriptionRig(storage);
    await rig.create();
    await rig.log.append(sampleEvents(1, 3));
    await taken(rig.join());
    await rig.restart();
    const session = rig.join();
    storage.log.beforeRead = refuse;
    for (let i = 0; i < 3; i++) await expect(session.take(TAKE_ALL)).rejects.toMatchObject({ code: 14 });
    storage.log.beforeRead = () => {};
    expect(await taken(session)).toEqual(firstOf(1, 3));
  });

  it("gives back what a session was about to get when it ends meanwhile", async () => {
    const storage = new MemoryStorage();
    await using rig = new SubscriptionRig(storage);
    await rig.create();
    await rig.log.append(sampleEvents(1, 3));
    const [one, two] = [rig.join(), rig.join()];
    const take = one.take(TAKE_ALL);
    storage.log.beforeRead = () => void one.end("CONNECTION_LOST");
    await expect(take).rejects.toMatchObject({ reason: "CANCELLED" });
    storage.log.beforeRead = () => {};
    expect(await taken(two)).toEqual(firstOf(1, 3));
  });

  it("lets other work of the process run while a consumer passes many events that do not match", async () => {
    await using rig = new SubscriptionRig(new MemoryStorage());
    const { stored } = (rig.storage as MemoryStorage).log;
    await rig.log.append(sampleEvents(1, 1));
    const [first] = stored;
    if (first) for (let n = 2; n <= 100_000; n++) stored.push({ ...first, sequence: n });
    const filter = create(EventFilterSchema, { messageIds: ["nobody"] });
    await rig.engine.create("s", { ...FREE_SETTINGS, filter }, 0);
    let turns = 0;
    let isDone = false;
    const count = (): void => {
      turns++;
      if (!isDone) setImmediate(count);
    };
    setImmediate(count);
    expect(await taken(rig.join())).toEqual([]);
    isDone = true;
    expect(turns).toBeGreaterThan(20);
  });
});
