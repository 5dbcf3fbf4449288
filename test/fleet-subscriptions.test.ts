import { randomUUID } from "node:crypto";
import { create, fromBinary } from "@bufbuild/protobuf";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { StartPosition } from "../gen/infobip/events/v1/positions_pb.js";
import {
  type SubscribeRequest,
  SubscribeRequestSchema,
  SubscribeResponseSchema,
} from "../gen/infobip/events/v1/subscribe_pb.js";
import { SubscriptionSchema } from "../gen/infobip/events/v1/subscription_pb.js";
import {
  AcknowledgeEventsRequestSchema,
  CreateSubscriptionRequestSchema,
  DeleteSubscriptionRequestSchema,
  GetSubscriptionRequestSchema,
  ListSubscriptionsRequestSchema,
  PullEventsRequestSchema,
} from "../gen/infobip/events/v1/subscription_requests_pb.js";
import { createRoutedSubscriptionMethods } from "../src/events/routed-subscription-methods.ts";
import { openSubscriptionUnit } from "../src/service-subscription-unit.ts";
import { systemTimer } from "../src/timer.ts";
import { sampleEvent } from "./event-log-samples.ts";
import { plainCall } from "./fixtures/call-context.ts";
import { Feed } from "./fixtures/feed.ts";
import { openNode } from "./fixtures/fleet-rig.ts";
import { SharedSubscriptions } from "./fixtures/shared-subscriptions.ts";
import { describeNats, type NatsServer, startNatsServer, uniquePrefix } from "./nats-server.ts";

describeNats("subscriptions of several processes", () => {
  let server: NatsServer;
  beforeAll(async () => {
    server = await startNatsServer();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  async function open(prefix: string, shared: SharedSubscriptions) {
    const opened: string[] = [];
    const node = await openNode({
      url: server.url,
      prefix,
      kinds: {
        subscription: async (unit) => {
          opened.push(unit);
          return openSubscriptionUnit({
            fenced: shared.open(unit.slice("subscription.".length)),
            log: shared.log,
            now: Date.now,
            timer: systemTimer,
            newSessionId: randomUUID,
            drainMs: 1_000,
          });
        },
      },
    });
    const draining = new AbortController();
    const methods = createRoutedSubscriptionMethods({
      units: node.fleet,
      directory: shared,
      logId: shared.log.id,
      draining: draining.signal,
    });
    return { ...node, methods, opened, draining, [Symbol.asyncDispose]: () => node[Symbol.asyncDispose]() };
  }

  type Member = Awaited<ReturnType<typeof open>>;

  const make = ({ methods }: Member, name: string) =>
    methods.createSubscription(
      create(CreateSubscriptionRequestSchema, {
        subscription: create(SubscriptionSchema, { name }),
        from: { case: "start", value: StartPosition.EARLIEST },
      }),
      plainCall(),
    );
  const list = ({ methods }: Member, pageSize: number, pageToken = "") =>
    methods.listSubscriptions(create(ListSubscriptionsRequestSchema, { pageSize, pageToken }), plainCall());

  test("what one process creates every other one consumes, each event once", async () => {
    const shared = new SharedSubscriptions();
    const prefix = uniquePrefix();
    await using a = await open(prefix, shared);
    await using b = await open(prefix, shared);
    await make(a, "subscriptions/orders");
    await shared.log.append(Array.from({ length: 200 }, (_, n) => sampleEvent(n + 1)));
    const streams = [a, b, b].map((member) => {
      const requests = new Feed<SubscribeRequest>().push(startOf("subscriptions/orders"));
      return { requests, done: consume(member, requests) };
    });
    await vi.waitFor(() => expect(streams.flatMap(({ done }) => done.ids).length).toBe(200));
    const ids = streams.flatMap(({ done }) => done.ids);
    expect(new Set(ids)).toEqual(new Set(Array.from({ length: 200 }, (_, n) => `e-${n + 1}`)));
    for (const { requests } of streams) requests.end();
    await Promise.all(streams.map(({ done }) => done.ended));
    expect(a.opened).toEqual(["subscription.orders"]);
    expect(b.opened).toEqual([]);
  });

  test("pull and acknowledge go to the process that has the session", async () => {
    const shared = new SharedSubscriptions();
    const prefix = uniquePrefix();
    await using a = await open(prefix, shared);
    await using b = await open(prefix, shared);
    await make(a, "subscriptions/pulled");
    await shared.log.append([sampleEvent(1), sampleEvent(2)]);
    const subscription = "subscriptions/pulled";
    const pulled = await b.methods.pullEvents(create(PullEventsRequestSchema, { subscription }), plainCall());
    expect(pulled.events.length).toBe(2);
    const settled = await b.methods.acknowledgeEvents(
      create(AcknowledgeEventsRequestSchema, {
        subscription,
        sessionId: pulled.sessionId,
        ack: { eventIds: pulled.events.map(({ event }) => event?.id ?? "") },
      }),
      plainCall(),
    );
    expect(settled.result?.acked).toBe(2);
  });

  test("lists have all subscriptions in order, in pages, with their status", async () => {
    const shared = new SharedSubscriptions();
    const prefix = uniquePrefix();
    await using a = await open(prefix, shared);
    await using b = await open(prefix, shared);
    for (const [index, name] of ["c", "a", "e", "b", "d"].entries()) {
      await make(index % 2 === 0 ? a : b, `subscriptions/${name}`);
    }
    await shared.log.append([sampleEvent(1)]);
    const first = await list(b, 3);
    const second = await list(a, 3, first.nextPageToken);
    expect([first, second].map((page) => page.subscriptions.map(({ name }) => name))).toEqual([
      ["subscriptions/a", "subscriptions/b", "subscriptions/c"],
      ["subscriptions/d", "subscriptions/e"],
    ]);
    expect(second.nextPageToken).toBe("");
    for (const { status } of [...first.subscriptions, ...second.subscriptions]) {
      expect(status).toMatchObject({ lagEvents: 1n, consumers: 0 });
    }
    await expect(list(a, 2, first.nextPageToken.slice(1))).rejects.toMatchObject({
      reason: "PAGE_TOKEN_INVALID",
    });
  });

  test("a name without a subscription leaves nothing behind", async () => {
    const shared = new SharedSubscriptions();
    await using a = await open(uniquePrefix(), shared);
    const name = "subscriptions/none";
    const unknown = a.methods.getSubscription(create(GetSubscriptionRequestSchema, { name }), plainCall());
    await expect(unknown).rejects.toMatchObject({ reason: "SUBSCRIPTION_UNKNOWN" });
    await make(a, name);
    expect(a.fleet.state().owned.get("subscription")).toBe(1);
    await expect(make(a, name)).rejects.toMatchObject({ reason: "SUBSCRIPTION_EXISTS" });
    await a.methods.deleteSubscription(create(DeleteSubscriptionRequestSchema, { name }), plainCall());
    await vi.waitFor(async () => expect(await a.owners.get("subscription.none")).toBeUndefined());
    expect(a.fleet.state().owned.size).toBe(0);
  });

  test("a stream without a start frame is refused here, and one that was told of a drain goes on elsewhere", async () => {
    const shared = new SharedSubscriptions();
    const prefix = uniquePrefix();
    await using a = await open(prefix, shared);
    await using b = await open(prefix, shared);
    const ping = create(SubscribeRequestSchema, { frame: { case: "ping", value: {} } });
    await expect(consume(a, new Feed<SubscribeRequest>().push(ping)).ended).rejects.toMatchObject({
      reason: "REQUEST_INVALID",
    });
    await make(a, "subscriptions/moved");
    const requests = new Feed<SubscribeRequest>().push(startOf("subscriptions/moved"));
    const stream = consume(b, requests);
    await vi.waitFor(() => expect(stream.kinds).toContain("started"));
    await a.fleet.drain();
    await vi.waitFor(() => expect(stream.kinds).toContain("draining"));
    await stream.ended;
    const again = consume(b, new Feed<SubscribeRequest>().push(startOf("subscriptions/moved")));
    await vi.waitFor(() => expect(again.kinds).toContain("started"));
    expect(b.opened).toEqual(["subscription.moved"]);
  });

  function startOf(subscription: string): SubscribeRequest {
    return create(SubscribeRequestSchema, { frame: { case: "start", value: { subscription } } });
  }

  /** Reads a stream and acknowledges what comes. */
  function consume({ methods }: Member, requests: Feed<SubscribeRequest>) {
    const ids: string[] = [];
    const kinds: (string | undefined)[] = [];
    const run = async (): Promise<void> => {
      for await (const bytes of methods.subscribe(requests, plainCall())) {
        const { frame } = fromBinary(SubscribeResponseSchema, bytes);
        kinds.push(frame.case);
        if (frame.case !== "events") continue;
        const eventIds = frame.value.events.map(({ event }) => event?.id ?? "");
        ids.push(...eventIds);
        requests.push(create(SubscribeRequestSchema, { frame: { case: "ack", value: { eventIds } } }));
      }
    };
    const ended = run();
    ended.catch(() => {});
    return { ids, kinds, ended };
  }
});
