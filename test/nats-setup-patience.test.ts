import { expect, it, onTestFinished } from "vitest";
import { ApiError } from "../src/nats/jetstream-api.ts";
import { logUnavailable, NatsFailure } from "../src/nats/nats-errors.ts";
import type { NatsLink } from "../src/nats/nats-link.ts";
import { patiently } from "../src/nats/setup-patience.ts";
import { ensureStream } from "../src/nats/streams.ts";
import { Secret } from "../src/secret.ts";
import type { ClockTimer } from "../src/timer.ts";
import { openLink, rejection, streamLayout } from "./nats-rig.ts";
import { describeNats, startNatsServer, uniquePrefix } from "./nats-server.ts";

/** A clock that jumps to whatever is waited for, and tells how often it was. */
function jumpingTimer(onWait: () => void = () => {}): ClockTimer & { readonly waits: () => number } {
  let now = 0;
  let waits = 0;
  return {
    now: () => now,
    schedule: (ms, callback) => {
      now += ms;
      waits++;
      onWait();
      queueMicrotask(callback);
      return () => {};
    },
    waits: () => waits,
  };
}

const answering = (code: number) => new ApiError({ code: 503, err_code: code, description: "of a test" });
const silent = (code: string) => logUnavailable(new NatsFailure(code, "of a test"));

it.each([
  ["a cluster without peers", answering(10005)],
  ["a cluster that is not available", answering(10008)],
  ["nobody who listens", silent("NO_RESPONDERS")],
  ["no answer in time", silent("TIMEOUT")],
  ["a lost connection", silent("DISCONNECTED")],
])("tries again after %s", async (_name, error) => {
  const timer = jumpingTimer();
  let tries = 0;
  const work = () => (++tries < 4 ? Promise.reject(error) : Promise.resolve("done"));
  expect(await patiently(work, { limitMs: 10_000, timer })).toBe("done");
  expect(timer.waits()).toBe(3);
});

it.each([
  ["too few servers", answering(10074)],
  ["no room", answering(10047)],
  ["a closed connection", silent("CLOSED")],
  ["anything else", new Error("of a test")],
])("does not try again after %s", async (_name, error) => {
  const timer = jumpingTimer();
  expect(await rejection(patiently(() => Promise.reject(error), { limitMs: 10_000, timer }))).toBe(error);
  expect(timer.waits()).toBe(0);
});

it("says that JetStream is off when nobody has answered in all the time", async () => {
  const timer = jumpingTimer();
  const link: Partial<NatsLink> = { request: () => Promise.reject(silent("NO_RESPONDERS")) };
  const layout = streamLayout(uniquePrefix());
  const error = await rejection(ensureStream(link as NatsLink, layout, { limitMs: 10_000, timer }));
  expect(error).toMatchObject({ name: "StreamSetupError", reason: "DISABLED", stream: layout.name });
  expect(error.message).toMatch(/enable JetStream on the server/);
  expect(timer.now()).toBe(10_000);
});

describeNats("the set-up of streams", () => {
  it("waits for a server that hangs", async () => {
    await using server = await startNatsServer();
    const link = await openLink(server.url, { requestTimeoutMs: 300 });
    server.pause();
    const timer = jumpingTimer(() => server.resume());
    const layout = streamLayout(uniquePrefix());
    expect(await ensureStream(link, layout, { limitMs: 10_000, timer })).toMatchObject({ messages: 0 });
    expect(timer.waits()).toBeGreaterThan(0);
  });

  it("tells what the user may not do", async () => {
    const server = await startNatsServer({
      config: 'authorization { users: [{ user: a, password: b, permissions: { publish: "x" } }] }',
    });
    onTestFinished(() => server[Symbol.asyncDispose]());
    const auth = { kind: "password", user: "a", password: new Secret("b") } as const;
    const link = await openLink(server.url, { auth, requestTimeoutMs: 300 });
    const patience = { limitMs: 0, timer: jumpingTimer() };
    const error = await rejection(ensureStream(link, streamLayout("S"), patience));
    expect(error).toMatchObject({ name: "StreamSetupError", reason: "UNANSWERED" });
    expect(error.message).toMatch(/Permissions Violation for Publish to "\$JS\.API\.STREAM\.INFO\.S"/);
  });
});
