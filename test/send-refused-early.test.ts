import { Code } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import { Channel } from "../gen/infobip/messages/v1/channel_pb.js";
import { type SendEnding, sendInStream, sendUnary } from "./fixtures/send-ending.ts";
import { startServiceRig } from "./fixtures/service-rig.ts";

const MODES = [
  { name: "SendMessages", send: sendUnary },
  { name: "StreamMessages", send: sendInStream },
];
const FAILURES = 3;
const MAX_CALLS = 20;

function aRequest(messageId: string, destinations = 1) {
  const list = Array.from({ length: destinations }, (_, place) => ({
    kind: {
      case: "toDestination" as const,
      value: { to: `${41790000000 + place}`, messageId: `${messageId}-${place}` },
    },
  }));
  const content = { body: { type: { case: "text" as const, value: { text: "Hello" } } } };
  const message = { channel: Channel.SMS, sender: "Shop", destinations: list, content };
  return { messages: [{ kind: { case: "message" as const, value: message } }] };
}

describe.each(MODES)("$name", ({ send }) => {
  test("fails at once after some failures in a row, and nothing leaves", async () => {
    await using rig = await startServiceRig({ flags: { "--sending-circuit-failures": String(FAILURES) } });
    rig.simulator.injectFaults({ kind: "server-error", count: MAX_CALLS });
    let calls = 0;
    let ending: SendEnding;
    // On a slow machine a probe may get in between; it fails too.
    do ending = await send(rig.messages, aRequest(`call-${++calls}`), undefined);
    while (ending.metadata.circuit === undefined && calls < MAX_CALLS);
    expect(calls).toBeGreaterThan(FAILURES);
    expect(ending).toMatchObject({
      code: Code.Unavailable,
      reason: "UPSTREAM_UNREACHABLE",
      domain: "infobip-rpc",
      metadata: { outcome: "NOT_SENT", circuit: "open" },
    });
    expect(ending.retryDelayMs).toBeGreaterThan(0);
    expect(ending.retryDelayMs).toBeLessThanOrEqual(30_000);
    expect(rig.simulator.stats().requests.messages).toBe(calls - 1);
  });

  test("is refused on arrival when a 429 holds it back past its deadline", async () => {
    await using rig = await startServiceRig({ flags: { "--sending-max-attempts": "1" } });
    rig.simulator.injectFaults({ kind: "rate-limited", retryAfterSeconds: 30 });
    const first = await send(rig.messages, aRequest("first"), undefined);
    expect(first.reason).toBe("UPSTREAM_RATE_LIMITED");
    // By the listener at its end, it would have the reason DEADLINE_EXCEEDED.
    const ending = await send(rig.messages, aRequest("second"), 20_000);
    expect(ending).toMatchObject({
      code: Code.DeadlineExceeded,
      reason: "OVERLOADED",
      metadata: { outcome: "NOT_SENT" },
    });
    expect(rig.simulator.stats().requests.messages).toBe(1);
  });

  test("is refused on arrival when the rate limit does not let it through in time", async () => {
    await using rig = await startServiceRig({ flags: { "--sending-rate-limit-sms": "1" } });
    // At one destination a second the first one is worth a hundred seconds.
    const first = await send(rig.messages, aRequest("first", 100), undefined);
    expect(first.code).toBeUndefined();
    const ending = await send(rig.messages, aRequest("second", 100), 20_000);
    expect(ending).toMatchObject({
      code: Code.DeadlineExceeded,
      reason: "OVERLOADED",
      metadata: { outcome: "NOT_SENT" },
    });
    expect(rig.simulator.stats().requests.messages).toBe(1);
  });
});
