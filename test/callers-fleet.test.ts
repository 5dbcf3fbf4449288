import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { connect } from "@nats-io/transport-node";
import { expect, test, vi } from "vitest";
import { StartPosition } from "../gen/infobip/events/v1/positions_pb.js";
import { SubmissionState } from "../gen/infobip/messages/v1/submission_pb.js";
import { type CallersRig, failureOf, sms, startCallersRig, tokenFor } from "./callers-rig.ts";
import { describeNats, startNatsServer, uniquePrefix } from "./nats-server.ts";

const CALLERS = [
  { name: "red", scopes: ["send", "submit", "events", "subscriptions"], application_ids: ["app-red"] },
  { name: "blue", scopes: ["send", "submit", "events", "subscriptions"], application_ids: ["app-blue"] },
  { name: "ops", scopes: ["admin"] },
];
const SOON = () => ({ sendAfter: timestampFromMs(Date.now() + 3_600_000) });
const from = { case: "start", value: StartPosition.EARLIEST } as const;

describeNats("callers of a fleet", () => {
  test("are known to the process that they are connected to: what it forwards names no credentials, and all limits hold", async () => {
    await using server = await startNatsServer();
    await using stack = new AsyncDisposableStack();
    const frames: string[] = [];
    const spy = await connect({ servers: server.url });
    stack.defer(() => spy.close());
    spy.subscribe(">", {
      callback: (_error, message) => {
        frames.push(
          `${message.subject} ${message.headers ?? ""} ${Buffer.from(message.data).toString("latin1")}`,
        );
      },
    });
    const flags = {
      "--eventlog-url": server.url,
      "--nats-replicas": "1",
      "--nats-prefix": uniquePrefix(),
    };
    const members: CallersRig[] = [];
    for (let index = 0; index < 2; index++) {
      members.push(stack.use(await startCallersRig(CALLERS, { flags })));
    }
    await submissions(members);
    await subscriptions(members);
    const all = frames.join("\n");
    // One of the two processes has forwarded its calls to the other one.
    expect(all).toContain("SubmitMessages");
    expect(all).toContain("red/order-1");
    for (const { name } of CALLERS) {
      expect(all).not.toContain(tokenFor(name));
      expect(all).not.toContain(tokenFor(name).slice(5, 15));
    }
    expect(all).not.toMatch(/bearer/i);
  }, 60_000);
});

/** Each member takes calls of both callers; one of the two members owns the outbox. */
async function submissions(members: readonly CallersRig[]): Promise<void> {
  for (const caller of ["red", "blue"]) {
    for (const rig of members) {
      const { submission } = await rig
        .as(caller)
        .messages.submitMessages({ requestId: "order-1", messages: [sms()], ...SOON() })
        .catch(() => rig.as(caller).messages.getSubmission({ name: "submissions/order-1" }));
      expect(submission).toMatchObject({ name: `submissions/${caller}/order-1`, requestId: "order-1" });
    }
  }
  for (const rig of members) {
    const [red, ops] = [rig.as("red").messages, rig.as("ops").messages];
    expect((await red.listSubmissions({})).submissions.map(({ name }) => name)).toEqual([
      "submissions/red/order-1",
    ]);
    expect((await ops.listSubmissions({})).submissions).toHaveLength(2);
    for (const call of [
      () => red.getSubmission({ name: "submissions/blue/order-1" }),
      () => red.cancelSubmission({ name: "submissions/blue/order-1" }),
    ]) {
      expect((await failureOf(call())).reason).toBe("SUBMISSION_UNKNOWN");
    }
    const { submission } = await ops.cancelSubmission({ name: "submissions/blue/order-1" });
    expect(submission?.state).toBe(SubmissionState.CANCELLED);
  }
}

async function subscriptions(members: readonly CallersRig[]): Promise<void> {
  const [first, second] = members as [CallersRig, CallersRig];
  const name = "subscriptions/of-red";
  await first.as("red").events.createSubscription({ subscription: { name }, from });
  const { results } = await first.as("red").messages.sendMessages({ messages: [sms()] });
  await second.as("blue").messages.sendMessages({ messages: [sms()] });
  const messageId = results[0]?.messageId;
  for (const rig of members) {
    expect((await rig.as("blue").events.listSubscriptions({})).subscriptions).toEqual([]);
    expect((await failureOf(rig.as("blue").events.getSubscription({ name }))).reason).toBe(
      "SUBSCRIPTION_UNKNOWN",
    );
    expect((await failureOf(rig.as("blue").events.pullEvents({ subscription: name }))).reason).toBe(
      "SUBSCRIPTION_UNKNOWN",
    );
    await vi.waitFor(async () => {
      const { events } = await rig.as("red").events.listEvents({});
      expect(new Set(events.map((event) => event.applicationId))).toEqual(new Set(["app-red"]));
      expect(events.map((event) => event.messageId)).toContain(messageId);
    });
  }
  const pulled = await second
    .as("red")
    .events.pullEvents({ subscription: name, wait: { seconds: 5n, nanos: 0 } });
  expect(new Set(pulled.events.map(({ event }) => event?.applicationId))).toEqual(new Set(["app-red"]));
}
