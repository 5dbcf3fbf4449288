import { ConnectError } from "@connectrpc/connect";
import { afterEach, expect, test } from "vitest";
import { SendMessagesRequestSchema } from "../gen/infobip/messages/v1/send_messages_pb.js";
import { decodeRest } from "../src/infobip/codec/decode.ts";
import { type ServiceRig, startServiceRig } from "./fixtures/service-rig.ts";
import { detailsOf } from "./server-clients.ts";

let rig: ServiceRig;
afterEach(() => rig[Symbol.asyncDispose]());

const SMS = {
  messages: [{ channel: "SMS", destinations: [{ to: "1" }], content: { body: { type: "TEXT", text: "x" } } }],
};

const send = () => rig.messages.sendMessages(decodeRest(SendMessagesRequestSchema, SMS).message);

async function failureOf(call: Promise<unknown>) {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof ConnectError)) throw new Error(`no failure: ${String(error)}`);
  return detailsOf(error);
}

test("sends and streams are refused as not sent while memory is short; reading goes on", async () => {
  const memory = { limitBytes: () => 1000, usedBytes: () => 990 };
  rig = await startServiceRig({ ports: { memory } });
  const refused = await failureOf(send());
  expect(refused).toMatchObject({
    code: "ResourceExhausted",
    info: { reason: "OVERLOADED", metadata: { outcome: "NOT_SENT" } },
  });
  expect(refused.retryInfo?.retryDelay?.seconds).toBe(2n);
  const stream = rig.events.watchEvents({})[Symbol.asyncIterator]().next();
  expect(await failureOf(stream)).toMatchObject({ info: { reason: "OVERLOADED" } });
  expect((await rig.events.listEvents({})).events).toEqual([]);
  expect(rig.simulator.stats().messages).toMatchObject({ accepted: 0 });
});

test("sends are taken when memory is not short", async () => {
  const memory = { limitBytes: () => 1000, usedBytes: () => 900 };
  rig = await startServiceRig({ ports: { memory } });
  expect((await send()).results).toHaveLength(1);
});
