import { expect, it } from "vitest";
import { OPEN_TIMEOUT_MS } from "../src/messages/stream-messages.ts";
import { openFrame, StreamClient, StreamHarness, sendFrame, settle } from "./stream-messages-harness.ts";

it("answers open with the limits", async () => {
  const client = new StreamClient(new StreamHarness());
  client.requests.push(openFrame({ clientId: "tests" }));
  expect(await client.expect("opened")).toMatchObject({
    credits: 1_000,
    maxFrameBytes: 4096n,
    maxDestinations: 10,
  });
});

it.each([
  { wanted: 7, cap: undefined, granted: 7 },
  { wanted: 10_000, cap: undefined, granted: 1_000 },
  { wanted: 10_000, cap: 10_000, granted: 10_000 },
  { wanted: undefined, cap: 5, granted: 5 },
])("grants $granted credits of $wanted where the service allows $cap", async ({ wanted, cap, granted }) => {
  const client = new StreamClient(new StreamHarness({ maxInFlight: cap }));
  client.requests.push(openFrame({ maxInFlight: wanted }));
  expect((await client.expect("opened")).credits).toBe(granted);
});

it("refuses a stream that does not begin with open, and sends nothing", async () => {
  const harness = new StreamHarness();
  const client = new StreamClient(harness);
  client.requests.push(sendFrame("a"));
  await expect(client.next()).rejects.toMatchObject({
    reason: "REQUEST_INVALID",
    violations: [{ field: "open", reason: "open_first" }],
    metadata: { outcome: "NOT_SENT" },
  });
  expect(harness.calls).toEqual([]);
});

it("refuses a stream that ends without a frame", async () => {
  const client = new StreamClient(new StreamHarness());
  client.requests.end();
  await expect(client.next()).rejects.toMatchObject({ reason: "REQUEST_INVALID" });
});

it("ends a stream on which no frame comes in time, and leaves no timer", async () => {
  const harness = new StreamHarness();
  const client = new StreamClient(harness);
  const first = client.next();
  first.catch(() => undefined);
  await settle();
  harness.timer.advance(OPEN_TIMEOUT_MS - 1);
  expect(harness.timer.size).toBe(1);
  harness.timer.advance(1);
  await expect(first).rejects.toMatchObject({ reason: "REQUEST_INVALID" });
  expect(harness.timer.size).toBe(0);
});

it("refuses a stream that is opened while the service drains, and one that waits for open", async () => {
  const harness = new StreamHarness();
  const waiting = new StreamClient(harness).next();
  waiting.catch(() => undefined);
  await settle();
  harness.draining.abort();
  await expect(waiting).rejects.toMatchObject({ reason: "DRAINING" });
  await expect(harness.open()).rejects.toMatchObject({ reason: "DRAINING" });
});

it("ends with a second open, after the results that are there, and ends the other sends", async () => {
  const harness = new StreamHarness();
  const client = await harness.open();
  client.send("done", "open");
  const next = client.next();
  await harness.begun(2);
  harness.call("done").answer();
  client.requests.push(openFrame());
  expect(await next).toMatchObject({ case: "results", value: { results: [{ clientRef: "done" }] } });
  await expect(client.next()).rejects.toMatchObject({
    reason: "REQUEST_INVALID",
    violations: [{ field: "open" }],
  });
  expect(harness.call("open").signal.reason).toMatchObject({ reason: "CANCELLED" });
});
