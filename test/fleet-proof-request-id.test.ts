import { create, equals } from "@bufbuild/protobuf";
import { afterAll, beforeAll, expect, it } from "vitest";
import {
  type SendMessagesRequest,
  SendMessagesRequestSchema,
  type SendMessagesResponse,
  SendMessagesResponseSchema,
  SendOutcome,
} from "../gen/infobip/messages/v1/send_messages_pb.js";
import { connectMessages } from "./crash/messages-client.ts";
import { messageTo } from "./crash/submission-story.ts";
import { FleetMembers } from "./fleet/fleet-members.ts";
import { FleetUpstream } from "./fleet/fleet-upstream.ts";
import { reasonOf } from "./fleet/transient-failure.ts";
import { describeNats, startNatsServer, uniquePrefix } from "./nats-server.ts";

const GATEWAYS = ["G1", "G2"] as const;
const LIMIT_MS = 30_000;

describeNats("a request id", () => {
  const owned = new AsyncDisposableStack();
  let upstream: FleetUpstream;
  let fleet: FleetMembers;
  beforeAll(async () => {
    const nats = owned.use(await startNatsServer());
    upstream = owned.use(await FleetUpstream.start());
    fleet = owned.use(
      await FleetMembers.start({
        natsUrl: nats.url,
        prefix: uniquePrefix(),
        upstream: upstream.baseUrl,
        members: GATEWAYS.map((name) => ({ name, roles: "send" })),
      }),
    );
  });
  afterAll(() => owned.disposeAsync());

  function requestTo(to: string, text = "a text"): SendMessagesRequest {
    return create(SendMessagesRequestSchema, { requestId: `to-${to}`, messages: [messageTo([to], text)] });
  }

  async function send(gateway: string, request: SendMessagesRequest): Promise<SendMessagesResponse> {
    using client = connectMessages(fleet.member(gateway).addresses?.grpc ?? "");
    return await client.messages.sendMessages(request);
  }

  it("is answered by any gateway as it was the first time", async () => {
    const request = requestTo("385911");
    const first = await send("G1", request);
    const again = await send("G2", request);
    expect(equals(SendMessagesResponseSchema, first, again)).toBe(true);
    expect(upstream.acceptedTo("385911")).toBe(1);
    expect(upstream.posts().filter(({ to }) => to === "385911")).toHaveLength(1);
  });

  it("is refused by any gateway with another payload", async () => {
    await send("G1", requestTo("385912"));
    const reused = send("G2", requestTo("385912", "another text"));
    await expect(reused.catch((error: unknown) => reasonOf(error))).resolves.toBe("REQUEST_ID_REUSED");
    expect(upstream.acceptedTo("385912")).toBe(1);
  });

  it("sends once when both gateways get it at one time", async () => {
    const addresses = Array.from({ length: 20 }, (_, index) => String(385_920 + index));
    const answers = await Promise.all(
      addresses.flatMap((to) => GATEWAYS.map((gateway) => send(gateway, requestTo(to)))),
    );
    for (const { results } of answers)
      expect(results.map(({ outcome }) => outcome)).toEqual([SendOutcome.SENT]);
    expect(addresses.map((to) => upstream.acceptedTo(to))).toEqual(addresses.map(() => 1));
    const ids = Map.groupBy(answers, ({ results }) => results[0]?.messageId);
    expect([...ids.values()].map((both) => both.length)).toEqual(addresses.map(() => 2));
  });

  it("outlives the gateway that answered it", { timeout: LIMIT_MS }, async () => {
    const request = requestTo("385913");
    const first = await send("G1", request);
    await fleet.member("G1").kill();
    const again = await send("G2", request);
    await fleet.member("G1").start();
    const last = await send("G1", request);
    expect(equals(SendMessagesResponseSchema, first, again)).toBe(true);
    expect(equals(SendMessagesResponseSchema, first, last)).toBe(true);
    expect(upstream.acceptedTo("385913")).toBe(1);
  });
});
