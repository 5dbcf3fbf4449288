import { create } from "@bufbuild/protobuf";
import { expect, it } from "vitest";
import { SendMessagesResponseSchema } from "../gen/infobip/messages/v1/send_messages_pb.js";
import { ENDS_PER_TURN } from "../src/messages/stream-sends.ts";
import { SENDS_PER_TURN } from "../src/messages/stream-turn-budget.ts";
import { type StreamClient, StreamHarness, settle, turn } from "./stream-messages-harness.ts";

const SENDS = 1_000;
const refs = Array.from({ length: SENDS }, (_, n) => `${n}`);

/** Reads results until there is one for each of the refs. */
async function readAll(client: StreamClient): Promise<void> {
  for (let results = 0; results < SENDS; ) results += (await client.results()).length;
  await client.leave();
}

it.each([1, 5])("%i streams whose sends are all there leave everything else its turns", async (streams) => {
  const harness = new StreamHarness();
  let begun = 0;
  harness.send = async () => {
    begun++;
    return create(SendMessagesResponseSchema);
  };
  const clients = [];
  for (let n = 0; n < streams; n++) clients.push(await harness.open());
  for (const client of clients) client.send(...refs);
  const reading = Promise.all(clients.map(readAll));
  const perTurn: number[] = [];
  while (begun < streams * SENDS) {
    const before = begun;
    await turn();
    perTurn.push(begun - before);
  }
  // What is counted as one turn here may have the end of one and the beginning of the next.
  expect(Math.max(...perTurn)).toBeLessThanOrEqual(2 * SENDS_PER_TURN);
  await reading;
});

it("streams take turns with their sends", async () => {
  const harness = new StreamHarness();
  const flows: string[] = [];
  harness.send = async (_request, { flow }) => {
    flows.push(flow);
    return create(SendMessagesResponseSchema);
  };
  const clients = [await harness.open(), await harness.open()];
  for (const client of clients) client.send(...refs);
  await Promise.all(clients.map(readAll));
  expect(flows).toHaveLength(2 * SENDS);
  const firstHalf = flows.slice(0, SENDS);
  const share = firstHalf.filter((flow) => flow === flows[0]).length / SENDS;
  expect(share).toBeGreaterThan(0.4);
  expect(share).toBeLessThan(0.6);
});

it("many sends that end with their stream leave everything else its turns", async () => {
  const harness = new StreamHarness();
  const client = await harness.open();
  client.send(...refs);
  const end = client.next();
  end.catch(() => undefined);
  await harness.begun(SENDS);
  const ended = () => harness.calls.filter(({ signal }) => signal.aborted).length;
  client.call.abort(new Error("gone"));
  expect(ended()).toBe(ENDS_PER_TURN);
  for (let before = 0, now = ended(); now < SENDS; before = now, now = ended()) {
    expect(now - before).toBeLessThanOrEqual(2 * ENDS_PER_TURN);
    await turn();
  }
  for (const { fail, signal } of harness.calls) fail(signal.reason);
  await settle();
  expect(harness.reports).toHaveLength(SENDS);
});
