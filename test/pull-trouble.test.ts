import { expect, test } from "vitest";
import { MAX_PULL_BACKOFF_MS, pullBackoffMs } from "../src/webhook/pull-backoff.ts";
import { startPullRig } from "./pull-rig.ts";

const REFUSED = new Error("the disk is full");
const fetches = (rig: Awaited<ReturnType<typeof startPullRig>>) =>
  rig.simulator.requests().filter((request) => request.endpoint === "reports");

test("while the log refuses, the page is kept, nothing more is fetched, and nothing is lost", async () => {
  await using rig = await startPullRig({ config: { limit: 2 } });
  await rig.send("4479001", "4479002", "4479003");
  let isRefusing = true;
  rig.log.beforeAppend = () => {
    if (isRefusing) throw REFUSED;
  };

  rig.pollers.start();
  for (let round = 1; round <= 5; round++) {
    await rig.told.until("held", round);
    expect(rig.pollers.health()).toEqual({
      ok: false,
      reason: "1 fetched pages wait in memory for the event log",
    });
    if (round < 5) await rig.passWait();
  }
  expect(fetches(rig)).toHaveLength(1);
  isRefusing = false;
  await rig.passWait();
  await rig.told.until("stored", 2);

  expect(rig.told.of("held").map(({ delayMs }) => delayMs)).toEqual([250, 500, 1_000, 2_000, 4_000]);
  expect(rig.told.of("stored").map(({ storeAttempts }) => storeAttempts)).toEqual([6, 1]);
  expect(rig.events().map((event) => event.destination)).toEqual(["4479001", "4479002", "4479003"]);
  expect(rig.pollers.health()).toEqual({ ok: true });
  expect(rig.told.of("lost")).toEqual([]);
});

test("while the log is known to be in trouble nothing is asked for", async () => {
  let isHealthy = false;
  await using rig = await startPullRig({
    config: { intervalMs: 60_000 },
    isLogHealthy: () => isHealthy,
  });
  await rig.send("4479001");

  rig.pollers.start();
  expect([await rig.passWait(), await rig.passWait()]).toEqual([5_000, 5_000]);
  expect(fetches(rig)).toHaveLength(0);
  isHealthy = true;
  await rig.passWait();
  await rig.told.until("stored", 1);

  expect(rig.events()).toHaveLength(1);
});

test("errors of Infobip lead to longer and longer waits, and the first page after them to the usual one", async () => {
  await using rig = await startPullRig();
  rig.simulator.injectFaults({ kind: "server-error", count: 4, endpoints: ["reports"] });
  const failAgain = () => rig.simulator.injectFaults({ kind: "server-error", endpoints: ["reports"] });

  rig.pollers.start();
  const waits: number[] = [];
  for (let round = 0; round < 4; round++) waits.push(await rig.passWait());
  await rig.told.until("stored", 1);
  failAgain();
  for (let round = 0; round < 2; round++) waits.push(await rig.passWait());

  expect(waits).toEqual([2_500, 5_000, 10_000, 20_000, 5_000, 2_500]);
  expect(rig.told.of("fetchFailed").map(({ error, failures }) => [error.reason, failures])).toEqual([
    ["UPSTREAM_FAILED", 1],
    ["UPSTREAM_FAILED", 2],
    ["UPSTREAM_FAILED", 3],
    ["UPSTREAM_FAILED", 4],
    ["UPSTREAM_FAILED", 1],
  ]);
  expect(rig.pollers.health()).toEqual({ ok: true });
});

test("Retry-After is waited for", async () => {
  await using rig = await startPullRig();
  rig.simulator.injectFaults({ kind: "rate-limited", retryAfterSeconds: 90 });

  rig.pollers.start();

  expect(await rig.passWait()).toBe(90_000);
  expect(rig.told.of("fetchFailed")[0]?.error.reason).toBe("UPSTREAM_RATE_LIMITED");
});

test.each([
  ["unauthorized", "UPSTREAM_CREDENTIALS_REJECTED"],
  ["forbidden", "UPSTREAM_FORBIDDEN"],
  ["garbage-body", "UPSTREAM_FAILED"],
  ["truncated-body", "UPSTREAM_FAILED"],
  ["reset-after-body", "UPSTREAM_FAILED"],
] as const)("%s is told as %s, and the poller goes on", async (kind, reason) => {
  await using rig = await startPullRig();
  rig.simulator.injectFaults({ kind, accept: false, endpoints: ["reports"] });
  await rig.send("4479001");

  rig.pollers.start();
  await rig.passWait();
  await rig.told.until("stored", 1);

  expect(rig.told.of("fetchFailed").map(({ error }) => error.reason)).toEqual([reason]);
  expect(rig.events()).toHaveLength(1);
});

test("one source in trouble does not hold up another", async () => {
  await using rig = await startPullRig({ config: { inbound: ["SMS"] } });
  rig.simulator.injectFaults({ kind: "hang", endpoints: ["reports"] });
  rig.simulator.receiveInbound({ channel: "SMS", sender: "1", destination: "9", text: "hi" });

  rig.pollers.start();
  await rig.told.until("stored", 1);

  expect(rig.told.all).toMatchObject([{ kind: "stored", source: { route: "inbound", channel: "SMS" } }]);
});

test("the wait is drawn from 0 to a bound that doubles up to five minutes", () => {
  const waits = (random: number) =>
    [1, 2, 3, 6, 7, 8, 2_000].map((failures) =>
      pullBackoffMs({ failures, firstMs: 5_000, random: () => random }),
    );
  const most = 0.999_999_999;
  expect(waits(most).map((wait) => wait + 1)).toEqual([
    5_000,
    10_000,
    20_000,
    160_000,
    MAX_PULL_BACKOFF_MS,
    MAX_PULL_BACKOFF_MS,
    MAX_PULL_BACKOFF_MS,
  ]);
  expect(waits(0)).toEqual([100, 100, 100, 100, 100, 100, 100]);
  expect(pullBackoffMs({ failures: 1, firstMs: 5_000, retryDelayMs: 60_000, random: () => most })).toBe(
    60_000,
  );
});
