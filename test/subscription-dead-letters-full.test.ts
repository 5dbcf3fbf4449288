import { describe, expect, it } from "vitest";
import { MAX_DEAD_LETTERS } from "../src/eventlog/subscription-engine.ts";
import { sampleEvent } from "./event-log-samples.ts";
import { MemoryStorage } from "./fixtures/memory-storage.ts";
import { ack, nack, SubscriptionRig, taken } from "./subscription-harness.ts";

describe("a subscription that is full of dead letters", () => {
  it("keeps what must die, delivers it no more, and buries it once there is room", async () => {
    await using rig = new SubscriptionRig(new MemoryStorage());
    const backoff = { minBackoffMs: 5_000, maxBackoffMs: 5_000 };
    await rig.create({ maxAttempts: 1, ...backoff });
    const count = MAX_DEAD_LETTERS + 1;
    await rig.log.append(Array.from({ length: count }, (_, i) => sampleEvent(i + 1, { rank: 0 })));
    const session = rig.join({ maxOutstanding: 20_000 });
    await rig.engine.update("s", { maxInFlight: 20_000 });
    expect(await taken(session, { maxEvents: 20_000 })).toHaveLength(count);
    const numbers = Array.from({ length: count }, (_, i) => i + 1);
    expect(await nack(session, numbers, 0)).toMatchObject({ nacked: count, failures: [] });
    const full = { deadLetters: MAX_DEAD_LETTERS, lagEvents: 1, waiting: 1, settledTo: MAX_DEAD_LETTERS };
    expect(await session.progress()).toMatchObject({ ...full, blocked: "DEAD_LETTERS_FULL" });
    rig.timer.advance(5_000);
    await rig.settled();
    expect(await taken(session)).toEqual([]);
    expect(await session.progress()).toMatchObject({ ...full, blocked: "DEAD_LETTERS_FULL" });

    await rig.crash();
    const again = rig.join();
    expect(await taken(again)).toEqual([]);
    expect(await again.progress()).toMatchObject({ ...full, blocked: "DEAD_LETTERS_FULL" });
    await rig.engine.redrive("s", [1]);
    expect(await taken(again)).toEqual(["1:1"]);
    await nack(again, [1]);
    expect(await again.progress()).toMatchObject({ deadLetters: MAX_DEAD_LETTERS, waiting: 1 });
    await rig.engine.redrive("s", [1, 2]);
    await taken(again);
    await ack(again, 1);
    rig.timer.advance(10_000);
    await rig.settled();
    expect(await again.progress()).toMatchObject({ deadLetters: MAX_DEAD_LETTERS, inFlight: 1, waiting: 0 });
    const options = { limit: 9, maxBytes: 1 << 20, includeRaw: false };
    const [last] = await rig.engine.deadLetters("s", MAX_DEAD_LETTERS, options);
    expect(last).toMatchObject({ attempts: 1, lastFailure: "NACK", redriven: false });
  });
});
