import { Code } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import { Channel } from "../gen/infobip/messages/v1/channel_pb.js";
import { type CallerClients, failureOf, sms, startCallersRig } from "./callers-rig.ts";

const CALLERS = [{ name: "slow", scopes: ["send", "submit"], messages_per_second: 1 }];
const ONE = { messages: [sms()] };
const MANY = {
  messages: [
    sms(
      {},
      Array.from({ length: 5_000 }, (_, index) => `4179${index + 1_000_000}`),
    ),
  ],
};
const TYPING = {
  events: [
    {
      event: {
        case: "typingStarted",
        value: { channel: Channel.RCS, sender: "Shop", destinations: [{ to: "41790000001" }] },
      } as const,
    },
  ],
};

const WAYS: Readonly<Record<string, (clients: CallerClients) => Promise<unknown>>> = {
  SendMessages: ({ messages }) => messages.sendMessages(ONE),
  "SendMessages with a request id": ({ messages }) => messages.sendMessages({ ...ONE, requestId: "again" }),
  ValidateMessages: ({ messages }) => messages.validateMessages(ONE),
  SubmitMessages: ({ messages }) => messages.submitMessages({ ...ONE, requestId: "again" }),
  SendEvents: ({ messages }) => messages.sendEvents(TYPING as never),
};

describe.each(["grpc", "http"] as const)("messages per second, over %s", (listener) => {
  test("are counted by destination on every way, and repeats count too", async () => {
    await using rig = await startCallersRig(CALLERS);
    const slow = rig.as("slow", listener);
    // Larger than a second's worth: it goes, and the calls after it pay for it.
    await slow.messages.sendMessages({ ...MANY, requestId: "again" });
    for (const [way, run] of Object.entries(WAYS)) {
      expect([way, await failureOf(run(slow))]).toMatchObject([
        way,
        { code: Code.ResourceExhausted, reason: "CALLER_RATE_LIMITED", outcome: "NOT_SENT", retries: true },
      ]);
    }
    expect(await failureOf(slow.messages.sendMessages({ ...MANY, requestId: "again" }))).toMatchObject({
      reason: "CALLER_RATE_LIMITED",
    });
    expect(rig.simulator.stats().messages.accepted).toBe(5_000);
  });
});

test("a caller is not limited by what another one sends", async () => {
  await using rig = await startCallersRig([
    ...CALLERS,
    { name: "other", scopes: ["send"], messages_per_second: 1 },
  ]);
  await rig.as("slow").messages.sendMessages(MANY);
  expect((await rig.as("other").messages.sendMessages(ONE)).results).toHaveLength(1);
});
