import { Code } from "@connectrpc/connect";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { StartPosition } from "../gen/infobip/events/v1/positions_pb.js";
import type { SubscribeRequest } from "../gen/infobip/events/v1/subscribe_pb.js";
import { type CallerClients, type CallersRig, failureOf, sms, startCallersRig } from "./callers-rig.ts";

const SCOPES = ["send", "events", "subscriptions"];
const CALLERS = [
  { name: "red", scopes: SCOPES, application_ids: ["app-red"] },
  { name: "blue", scopes: SCOPES, application_ids: ["app-blue", "app-sky"], entity_ids: ["entity-blue"] },
  { name: "all", scopes: SCOPES },
  { name: "ops", scopes: ["admin"] },
];
const from = { case: "start", value: StartPosition.EARLIEST } as const;
const UNSEEN = { code: Code.NotFound, reason: "SUBSCRIPTION_UNKNOWN" };

let rig: CallersRig;
const messageIds = { red: "", blue: "", other: "" };

beforeAll(async () => {
  rig = await startCallersRig(CALLERS);
  const send = async (platform: object) => {
    const { results } = await rig
      .as("all")
      .messages.sendMessages({ messages: [sms({ options: { platform } })] });
    return results[0]?.messageId ?? "";
  };
  messageIds.red = await send({ applicationId: "app-red" });
  messageIds.blue = await send({ applicationId: "app-sky", entityId: "entity-blue" });
  messageIds.other = await send({ applicationId: "app-blue", entityId: "entity-green" });
  // A send result and a report of each.
  await vi.waitFor(async () => expect((await listed("all")).length).toBeGreaterThanOrEqual(6), {
    timeout: 5_000,
  });
});
afterAll(() => rig[Symbol.asyncDispose]());

const listed = async (caller: string, filter = {}, listener: "grpc" | "http" = "grpc") =>
  (await rig.as(caller, listener).events.listEvents({ filter, pageSize: 1_000 })).events;
const idsOf = (events: readonly { messageId?: string | undefined }[]) =>
  [...new Set(events.map(({ messageId }) => messageId))].sort();

describe.each(["grpc", "http"] as const)("events over %s", (listener) => {
  test("ListEvents shows those of the caller's applications and entities", async () => {
    expect(idsOf(await listed("red", {}, listener))).toEqual([messageIds.red]);
    expect(idsOf(await listed("blue", {}, listener))).toEqual([messageIds.blue]);
    expect(idsOf(await listed("ops", {}, listener))).toEqual(Object.values(messageIds).sort());
    expect(await listed("red", { messageIds: [messageIds.blue] }, listener)).toEqual([]);
    expect(idsOf(await listed("blue", { applicationIds: ["app-sky"] }, listener))).toEqual([messageIds.blue]);
    expect(await listed("blue", { applicationIds: ["app-blue"] }, listener)).toEqual([]);
  });

  test("a filter that names others is refused", async () => {
    const failure = await failureOf(
      listed("blue", { applicationIds: ["app-sky", "app-red"], entityIds: ["x"] }, listener),
    );
    expect(failure).toMatchObject({
      code: Code.PermissionDenied,
      reason: "PLATFORM_FORBIDDEN",
      fields: ["filter.application_ids[1]", "filter.entity_ids[0]"],
    });
    expect((await failureOf(watched(rig.as("red", listener), { applicationIds: ["app-sky"] }))).reason).toBe(
      "PLATFORM_FORBIDDEN",
    );
  });

  test("WatchEvents passes on those of the caller only", async () => {
    expect(idsOf(await watched(rig.as("red", listener)))).toEqual([messageIds.red]);
    expect(idsOf(await watched(rig.as("blue", listener)))).toEqual([messageIds.blue]);
    expect(idsOf(await watched(rig.as("all", listener)))).toEqual(Object.values(messageIds).sort());
  });

  test("pages of a list go on", async () => {
    const { events } = rig.as("red", listener);
    const first = await events.listEvents({ pageSize: 1 });
    const second = await events.listEvents({ pageSize: 1, pageToken: first.nextPageToken });
    expect(idsOf([...first.events, ...second.events])).toEqual([messageIds.red]);
    const stolen = events.listEvents({
      pageSize: 1,
      pageToken: (await rig.as("all").events.listEvents({ pageSize: 1 })).nextPageToken,
    });
    expect((await failureOf(stolen)).reason).toBe("PAGE_TOKEN_INVALID");
  });

  test("GetMessage knows the caller's messages only", async () => {
    const get = (caller: string, messageId: string) =>
      rig.as(caller, listener).events.getMessage({ messageId });
    const own = await get("red", messageIds.red);
    expect(own.statusEvent?.messageId).toBe(messageIds.red);
    expect(own.timeline.length).toBeGreaterThan(0);
    const missing = await failureOf(get("red", "never-sent"));
    expect(missing.reason).toBe("MESSAGE_UNKNOWN");
    expect(await failureOf(get("red", messageIds.blue))).toEqual(missing);
    expect(await failureOf(get("blue", messageIds.other))).toEqual(missing);
    expect((await get("ops", messageIds.other)).timeline.length).toBeGreaterThan(0);
  });

  test("GetEventLog is for everyone", async () => {
    expect((await rig.as("red", listener).events.getEventLog({})).headCursor).not.toBe("");
  });
});

describe.each(["grpc", "http"] as const)("subscriptions over %s", (listener) => {
  const name = (of: string) => `subscriptions/${of}-${listener}`;
  const create = (caller: string, id: string, filter?: object) =>
    rig.as(caller, listener).events.createSubscription({ subscription: { name: name(id), filter }, from });
  const drained = async (caller: string, id: string) => {
    const pulled = await rig
      .as(caller, listener)
      .events.pullEvents({ subscription: name(id), maxEvents: 1_000, wait: { seconds: 5n, nanos: 0 } });
    return idsOf(pulled.events.map(({ event }) => event ?? {}));
  };

  test("are narrowed when they are made", async () => {
    const { subscription } = await create("blue", "narrowed");
    expect(subscription?.filter).toMatchObject({
      applicationIds: ["app-blue", "app-sky"],
      entityIds: ["entity-blue"],
    });
    expect(await drained("blue", "narrowed")).toEqual([messageIds.blue]);
    expect((await failureOf(create("blue", "wide", { applicationIds: ["app-red"] }))).fields).toEqual([
      "subscription.filter.application_ids[0]",
    ]);
  });

  test("cannot be widened", async () => {
    await create("red", "kept", { applicationIds: ["app-red"] });
    const { events } = rig.as("red", listener);
    const update = (subscription: object, paths: string[]) =>
      events.updateSubscription({
        subscription: { name: name("kept"), ...subscription },
        updateMask: { paths },
      });
    for (const paths of [["filter"], ["*"]]) {
      const { subscription } = await update({}, paths);
      expect(subscription?.filter?.applicationIds).toEqual(["app-red"]);
    }
    const wide = { filter: { applicationIds: ["app-blue"] } };
    expect((await failureOf(update(wide, []))).reason).toBe("PLATFORM_FORBIDDEN");
    expect((await update({ maxInFlight: 5 }, [])).subscription?.maxInFlight).toBe(5);
  });

  test("of others look as if they did not exist, whatever is asked of them", async () => {
    await create("all", "secret", { applicationIds: ["app-blue"] });
    await create("all", "open");
    await create("all", "part", { applicationIds: ["app-red", "app-blue"] });
    const { events } = rig.as("red", listener);
    const missing = await failureOf(events.getSubscription({ name: name("none") }));
    expect(missing).toMatchObject(UNSEEN);
    for (const id of ["secret", "open", "part"]) {
      const [named, subscription] = [{ name: name(id) }, name(id)];
      const calls = [
        () => events.getSubscription(named),
        () => events.updateSubscription({ subscription: { ...named, maxInFlight: 1 } }),
        () => events.deleteSubscription(named),
        () => events.seekSubscription({ ...named, to: from }),
        () => events.pullEvents({ subscription }),
        () => events.acknowledgeEvents({ subscription, sessionId: "s" }),
        () => events.listDeadLetters({ parent: subscription }),
        () => events.redriveDeadLetters({ parent: subscription }),
        () => subscribed(rig.as("red", listener), subscription),
      ];
      for (const call of calls) expect(await failureOf(call())).toEqual(missing);
    }
    const { subscriptions } = await events.listSubscriptions({});
    const seen = subscriptions.map((each) => each.name);
    for (const id of ["secret", "open", "part"]) expect(seen).not.toContain(name(id));
    const all = await rig.as("all", listener).events.listSubscriptions({});
    expect(all.subscriptions.map((each) => each.name)).toContain(name("secret"));
  });

  test("of the caller are consumed", async () => {
    await create("red", "own");
    expect(await subscribed(rig.as("red", listener), name("own"))).toEqual([messageIds.red]);
    await rig.as("red", listener).events.seekSubscription({ name: name("own"), to: from });
    expect(await drained("red", "own")).toEqual([messageIds.red]);
    await rig.as("red", listener).events.deleteSubscription({ name: name("own") });
  });
});

/** Events that a stream brings from the beginning to the head. */
async function watched({ events }: CallerClients, filter = {}) {
  const found = [];
  for await (const { frame } of events.watchEvents({ from, filter })) {
    if (frame.case === "events") found.push(...frame.value.events);
    else if (frame.case === "progress") break;
  }
  return found;
}

/** Message ids that a session is given at first. */
async function subscribed({ events }: CallerClients, subscription: string) {
  const left = Promise.withResolvers<void>();
  async function* frames() {
    yield { frame: { case: "start", value: { subscription } } } as const;
    await left.promise;
  }
  try {
    for await (const { frame } of events.subscribe(frames() as AsyncIterable<SubscribeRequest>)) {
      if (frame.case === "events") return idsOf(frame.value.events.map(({ event }) => event ?? {}));
    }
    return [];
  } finally {
    left.resolve();
  }
}

test("of one message id of two tenants each sees its own", async () => {
  await using shared = await startCallersRig(CALLERS);
  const messageId = "shared";
  const send = (applicationId: string) => {
    const destinations = [{ kind: { case: "toDestination", value: { to: "41790000001", messageId } } }];
    const options = { platform: { applicationId } };
    return shared.as("all").messages.sendMessages({ messages: [sms({ options, destinations })] });
  };
  await send("app-red");
  await send("app-other");
  const all = await shared.as("all").events.getMessage({ messageId });
  expect(new Set(all.timeline.map(({ applicationId }) => applicationId))).toEqual(
    new Set(["app-red", "app-other"]),
  );
  const { timeline, statusEvent } = await shared.as("red").events.getMessage({ messageId });
  expect(timeline.length).toBeGreaterThan(0);
  for (const { applicationId } of [...timeline, ...(statusEvent ? [statusEvent] : [])]) {
    expect(applicationId).toBe("app-red");
  }
});

test("a report that names no application is nobody's but the unlimited callers'", async () => {
  const body = JSON.stringify({
    results: [{ messageId: "without", to: "1", channel: "SMS", status: { groupId: 3, id: 5 } }],
  });
  await fetch(rig.webhookUrl("delivery"), {
    method: "POST",
    headers: { "content-type": "application/json" },
    body,
  });
  await vi.waitFor(async () => expect(idsOf(await listed("all"))).toContain("without"));
  expect(idsOf(await listed("red"))).not.toContain("without");
  expect((await failureOf(rig.as("red").events.getMessage({ messageId: "without" }))).reason).toBe(
    "MESSAGE_UNKNOWN",
  );
});
