import { expect, it } from "vitest";
import type { ClientPorts } from "../src/client/ports.ts";
import { Backoff, isPassing } from "../src/client/retry.ts";
import { InfobipRpcError } from "../src/client/rpc-error.ts";
import { silenceMs, untilSilent } from "../src/client/until-silent.ts";

/** Timers that ring when the test says so. */
class Alarms {
  readonly open = new Map<() => void, number>();
  readonly ports: ClientPorts = {
    schedule: (delayMs, callback) => {
      this.open.set(callback, delayMs);
      return () => this.open.delete(callback);
    },
    now: () => 0,
    random: () => 1,
  };

  ring(): void {
    for (const callback of [...this.open.keys()]) callback();
  }
}

/** Two frames, then nothing until it is hung up. */
function hanging(): { frames: AsyncIterable<number>; hangUp: () => void } {
  const { promise, reject } = Promise.withResolvers<never>();
  promise.catch(() => {});
  async function* frames() {
    yield 1;
    yield 2;
    await promise;
  }
  return { frames: frames(), hangUp: () => reject(new Error("hung up")) };
}

it("gives a silent stream up, and only while a frame is waited for", async () => {
  const alarms = new Alarms();
  const { frames, hangUp } = hanging();
  const heard = untilSilent(frames, silenceMs(10_000), alarms.ports, hangUp);
  expect(await heard.next()).toMatchObject({ value: 1 });
  expect(alarms.open.size).toBe(0);
  expect(await heard.next()).toMatchObject({ value: 2 });
  const third = heard.next();
  expect([...alarms.open.values()]).toEqual([25_000]);
  alarms.ring();
  await expect(third).rejects.toMatchObject({ reason: "STREAM_SILENT", code: "UNAVAILABLE" });
  expect(alarms.open.size).toBe(0);
});

it("waits longer each time, up to 5 s, and no less than the service asks for", () => {
  const backoff = new Backoff(new Alarms().ports);
  expect([1, 2, 3, 4, 5, 6, 7, 8].map(() => backoff.next())).toEqual([
    100, 200, 400, 800, 1600, 3200, 5000, 5000,
  ]);
  expect(backoff.next(60_000)).toBe(60_000);
  backoff.reset();
  expect(backoff.next()).toBe(100);
});

it.each([
  ["UNAVAILABLE", "DRAINING", "infobip-rpc", true],
  ["UNAVAILABLE", "OWNER_LOST", "infobip-rpc", true],
  ["ABORTED", "SESSION_EXPIRED", "infobip-rpc", true],
  ["UNAVAILABLE", "UNAVAILABLE", undefined, true],
  ["INTERNAL", "INTERNAL", undefined, true],
  ["INTERNAL", "INTERNAL", "infobip-rpc", false],
  ["ABORTED", "SUBSCRIPTION_CHANGED", "infobip-rpc", false],
  ["UNAUTHENTICATED", "CREDENTIALS_UNKNOWN", "infobip-rpc", false],
  ["UNIMPLEMENTED", "UNIMPLEMENTED", undefined, false],
] as const)("%s %s of %s is worth another stream: %s", (code, reason, domain, isWorth) => {
  expect(isPassing(new InfobipRpcError(code, reason, "", { domain }))).toBe(isWorth);
});
