import { type Client, Code, ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ErrorInfoSchema } from "../gen/google/rpc/error_details_pb.js";
import { Channel } from "../gen/infobip/messages/v1/channel_pb.js";
import { MessagesService } from "../gen/infobip/messages/v1/messages_service_pb.js";
import { SendOutcome } from "../gen/infobip/messages/v1/send_messages_pb.js";
import { type ServiceRig, startServiceRig } from "./fixtures/service-rig.ts";

let rig: ServiceRig;

beforeEach(async () => {
  rig = await startServiceRig({ publicUrl: false });
});

afterEach(async () => {
  await rig[Symbol.asyncDispose]();
});

function sms(requestId: string, text = "hello", to: readonly string[] = ["41790000001", "41790000002"]) {
  return {
    requestId,
    messages: [
      {
        kind: {
          case: "message",
          value: {
            channel: Channel.SMS,
            sender: "Desk",
            destinations: to.map((address) => ({
              kind: { case: "toDestination", value: { to: address } } as const,
            })),
            content: { body: { type: { case: "text", value: { text } } } },
          },
        },
      } as const,
    ],
  };
}

async function errorOf(call: Promise<unknown>) {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => ConnectError.from(thrown),
  );
  const [info] = error?.findDetails(ErrorInfoSchema) ?? [];
  return { code: error?.code, reason: info?.reason, metadata: info?.metadata ?? {} };
}

describe("a call with a request id", () => {
  test("is sent once, whoever repeats it, also after a restart and over the other listener", async () => {
    const first = await rig.messages.sendMessages(sms("order-1"));
    const repeated = await rig.messages.sendMessages(sms("order-1"));
    await rig.restart();
    const afterRestart = await rig.messages.sendMessages(sms("order-1"));
    const http: Client<typeof MessagesService> = createClient(
      MessagesService,
      createConnectTransport({ baseUrl: `http://${rig.addresses.http}`, httpVersion: "1.1" }),
    );
    const overHttp = await http.sendMessages(sms("order-1"));
    expect([repeated, afterRestart, overHttp]).toEqual([first, first, first]);
    expect(first.results.map(({ outcome }) => outcome)).toEqual([SendOutcome.SENT, SendOutcome.SENT]);
    expect(rig.simulator.stats().requests.messages).toBe(1);
    const reused = await errorOf(rig.messages.sendMessages(sms("order-1", "other")));
    expect(reused).toEqual({
      code: Code.AlreadyExists,
      reason: "REQUEST_ID_REUSED",
      metadata: { outcome: "NOT_SENT" },
    });
  });

  test("that many send at the same time is sent once", async () => {
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => rig.messages.sendMessages(sms("order-2"))),
    );
    expect(answers).toEqual(answers.map(() => answers[0]));
    expect(rig.simulator.stats().requests.messages).toBe(1);
  });

  test("whose answer was lost is repeated with the same ids: what Infobip refuses as duplicates was sent", async () => {
    rig.simulator.injectFaults({ kind: "reset-after-body", accept: true });
    const lost = await errorOf(rig.messages.sendMessages(sms("order-3")));
    expect(lost).toMatchObject({ code: Code.Unknown, reason: "SEND_OUTCOME_UNKNOWN" });
    await rig.restart();
    const { results } = await rig.messages.sendMessages(sms("order-3"));
    expect(results.map(({ messageId }) => messageId).join(",")).toBe(lost.metadata.message_ids);
    expect(results.map(({ status, outcome }) => [status?.groupId, status?.id, outcome])).toEqual([
      [5, 23, SendOutcome.SENT],
      [5, 23, SendOutcome.SENT],
    ]);
    for (const { messageId } of results)
      expect(rig.simulator.counts(messageId)).toEqual({ accepted: 1, duplicates: 1, rejected: 0 });
  });

  test("whose caller gives up gets its answer later, and is not sent again for it", async () => {
    rig.simulator.injectFaults({ kind: "slow-body", durationMs: 500 });
    const leaving = new AbortController();
    const givenUp = errorOf(rig.messages.sendMessages(sms("order-4"), { signal: leaving.signal }));
    await rig.simulator.whenReceived("messages", 1);
    leaving.abort();
    expect((await givenUp).code).toBe(Code.Canceled);
    const { results } = await rig.messages.sendMessages(sms("order-4"));
    expect(results.map(({ outcome, status }) => [outcome, status?.groupId])).toEqual([
      [SendOutcome.SENT, 1],
      [SendOutcome.SENT, 1],
    ]);
    expect(rig.simulator.stats().requests.messages).toBe(1);
  });
});
