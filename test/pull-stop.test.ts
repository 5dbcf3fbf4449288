import { setImmediate as turn } from "node:timers/promises";
import { expect, test } from "vitest";
import { startPullRig } from "./pull-rig.ts";

test("an idle poller stops at once", async () => {
  await using rig = await startPullRig();
  rig.pollers.start();
  await rig.told.until("stored", 1);

  await rig.pollers.stop(60_000);

  expect(rig.clock.pendingDelays()).toEqual([]);
  expect(rig.told.of("lost")).toEqual([]);
});

test("a fetch under way comes in and is stored before the stop ends, and none follows", async () => {
  await using rig = await startPullRig({ config: { limit: 2 } });
  await rig.send("4479001", "4479002", "4479003");
  rig.simulator.injectFaults({ kind: "slow-body", durationMs: 50, endpoints: ["reports"] });
  rig.pollers.start();
  await rig.simulator.whenReceived("reports", 1);

  await rig.pollers.stop(60_000);

  expect(rig.events().map((event) => event.destination)).toEqual(["4479001", "4479002"]);
  expect(rig.simulator.stats().pendingReports).toBe(1);
  expect(rig.told.of("lost")).toEqual([]);
});

test("a page that is being stored is stored before the stop ends", async () => {
  await using rig = await startPullRig();
  await rig.send("4479001");
  const storing = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  rig.log.beforeAppend = () => {
    begun.resolve();
    return storing.promise;
  };
  rig.pollers.start();
  await begun.promise;

  let isStopped = false;
  const stopped = rig.pollers.stop(60_000).then(() => {
    isStopped = true;
  });
  await turn();
  expect(isStopped).toBe(false);
  storing.resolve();
  await stopped;

  expect(rig.events()).toHaveLength(1);
});

test("a page that waits in memory is tried again at once when the stop begins, and then often", async () => {
  await using rig = await startPullRig({ random: () => 0.999 });
  await rig.send("4479001");
  let refusals = 6;
  rig.log.beforeAppend = () => {
    if (refusals-- > 0) throw new Error("the disk is full");
  };
  rig.pollers.start();
  for (let round = 1; round <= 4; round++) {
    await rig.told.until("held", round);
    if (round < 4) await rig.passWait();
  }

  const stopped = rig.pollers.stop(60_000);
  for (let round = 5; round <= 6; round++) {
    await rig.told.until("held", round);
    await rig.passWait();
  }
  await stopped;

  const waits = rig.told.of("held").map(({ delayMs }) => delayMs);
  expect(waits).toEqual([499, 999, 1_998, 3_996, 499, 499]);
  expect(rig.events()).toHaveLength(1);
  expect(rig.told.of("lost")).toEqual([]);
});

test("what is not stored when the time is up is told as lost", async () => {
  await using rig = await startPullRig();
  await rig.send("4479001");
  rig.log.beforeAppend = () => {
    throw new Error("the disk is full");
  };
  rig.pollers.start();
  await rig.told.until("held", 1);

  const stopped = rig.pollers.stop(3_000);
  await rig.told.until("held", 2);
  rig.clock.advance(3_000);
  await stopped;

  expect(rig.told.of("lost")).toMatchObject([{ reason: "STOPPED_STORING", source: { route: "delivery" } }]);
  expect(rig.told.of("lost")[0]?.bytes).toBeGreaterThan(100);
});

test("an answer that does not come before the time is up is broken off and told as lost", async () => {
  await using rig = await startPullRig();
  rig.simulator.injectFaults({ kind: "hang", endpoints: ["reports"] });
  rig.pollers.start();
  await rig.simulator.whenReceived("reports", 1);

  const stopped = rig.pollers.stop(3_000);
  rig.clock.advance(3_000);
  await stopped;

  expect(rig.told.all).toMatchObject([{ kind: "lost", reason: "STOPPED_FETCHING", bytes: 0 }]);
});
