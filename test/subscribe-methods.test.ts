import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { Code } from "@connectrpc/connect";
import { beforeEach, describe, expect, it } from "vitest";
import { EventType } from "../gen/infobip/events/v1/event_pb.js";
import { StartPosition } from "../gen/infobip/events/v1/positions_pb.js";
import { BlockedReason, DeliveryFailure } from "../gen/infobip/events/v1/subscription_pb.js";
import {
  CreateSubscriptionRequestSchema,
  DeleteSubscriptionRequestSchema,
  GetSubscriptionRequestSchema,
  ListDeadLettersRequestSchema,
  ListSubscriptionsRequestSchema,
  RedriveDeadLettersRequestSchema,
  SeekSubscriptionRequestSchema,
  UpdateSubscriptionRequestSchema,
} from "../gen/infobip/events/v1/subscription_requests_pb.js";
import { encodeCursor } from "../src/eventlog/cursor.ts";
import { plainCall } from "./fixtures/call-context.ts";
import { recordOf } from "./fixtures/scripted-subscriptions.ts";
import { NAME, SubscribeHarness } from "./subscribe-harness.ts";

let harness: SubscribeHarness;
beforeEach(async () => {
  harness = await SubscribeHarness.start();
  harness.engine.calls.length = 0;
});

const createIt = async (init: MessageInitShape<typeof CreateSubscriptionRequestSchema>) =>
  (await harness.methods.createSubscription(create(CreateSubscriptionRequestSchema, init), plainCall()))
    .subscription;
const updateIt = async (init: MessageInitShape<typeof UpdateSubscriptionRequestSchema>) =>
  (await harness.methods.updateSubscription(create(UpdateSubscriptionRequestSchema, init), plainCall()))
    .subscription;
const get = async (name = NAME) =>
  (await harness.methods.getSubscription(create(GetSubscriptionRequestSchema, { name }), plainCall()))
    .subscription;

describe("CreateSubscription", () => {
  const name = "subscriptions/fresh";

  it("fills in the defaults and begins at the head", async () => {
    expect(await createIt({ subscription: { name } })).toMatchObject({
      name,
      maxInFlight: 1_000,
      maxAttempts: 10,
      minBackoff: { seconds: 1n },
      maxBackoff: { seconds: 600n },
      createTime: { seconds: 1n },
      filterCursor: encodeCursor(harness.log.id, 0),
      status: { consumers: 1, blocked: BlockedReason.UNSPECIFIED },
    });
    expect(harness.engine.calls).toEqual(["create fresh at 0"]);
  });

  it("keeps what it is given and ignores what only the service says", async () => {
    const filter = { types: [EventType.DELIVERY_REPORT], finalOnly: true };
    const subscription = {
      name,
      filter,
      maxInFlight: 7,
      minBackoff: durationFromMs(1_500),
      filterCursor: "x",
    };
    const made = await createIt({ subscription, from: { case: "start", value: StartPosition.EARLIEST } });
    expect(made).toMatchObject({ filter, maxInFlight: 7, minBackoff: { seconds: 1n, nanos: 500_000_000 } });
    expect(made?.filterCursor).not.toBe("x");
  });

  it("begins where a cursor says, and refuses one of another log", async () => {
    const at = (cursor: string) =>
      createIt({ subscription: { name }, from: { case: "cursor", value: cursor } });
    await expect(at(encodeCursor("ffffffffffffffff", 0))).rejects.toMatchObject({
      reason: "CURSOR_FOREIGN_LOG",
    });
    await expect(at(encodeCursor(harness.log.id, 9))).rejects.toMatchObject({ reason: "CURSOR_AHEAD" });
    await at(encodeCursor(harness.log.id, 0));
  });

  it.each([
    [{ minBackoff: durationFromMs(5_000), maxBackoff: durationFromMs(4_999) }],
    [{ minBackoff: durationFromMs(700_000) }],
  ])("refuses backoffs that contradict each other", async (backoffs) => {
    await expect(createIt({ subscription: { name, ...backoffs } })).rejects.toMatchObject({
      code: Code.InvalidArgument,
      reason: "REQUEST_INVALID",
      violations: [{ field: "subscription.max_backoff" }],
    });
    expect(harness.engine.calls).toEqual([]);
  });

  it("refuses a filter that can never match, by its path", async () => {
    const filter = { types: [EventType.INBOUND_MESSAGE], finalOnly: true };
    await expect(createIt({ subscription: { name, filter } })).rejects.toMatchObject({
      reason: "FILTER_INERT",
      violations: [{ field: "subscription.filter.final_only" }],
    });
  });
});

describe("GetSubscription", () => {
  it("tells how far it has come and what is in the way", async () => {
    harness.engine.currentProgress = {
      settledTo: 3,
      head: 10,
      lagEvents: 7,
      oldestTimeMs: 9_000,
      inFlight: 2,
      waiting: 4,
      deadLetters: 5,
      consumers: 6,
      blocked: "DEAD_LETTERS_FULL",
    };
    expect((await get())?.status).toMatchObject({
      cursor: encodeCursor(harness.log.id, 3),
      headCursor: encodeCursor(harness.log.id, 10),
      lagEvents: 7n,
      lag: { seconds: 1n },
      inFlight: 2,
      waiting: 4,
      deadLetters: 5n,
      consumers: 6,
      blocked: BlockedReason.DEAD_LETTERS_FULL,
    });
  });

  it("does not know what does not exist", async () => {
    await expect(get("subscriptions/nope")).rejects.toMatchObject({ reason: "SUBSCRIPTION_UNKNOWN" });
  });
});

describe("ListSubscriptions", () => {
  it("gives every subscription once, page by page, by name", async () => {
    for (const id of ["c", "a", "d", "b"]) await createIt({ subscription: { name: `subscriptions/${id}` } });
    const names: string[] = [];
    let pageToken = "";
    do {
      const request = create(ListSubscriptionsRequestSchema, { pageSize: 2, pageToken });
      const page = await harness.methods.listSubscriptions(request, plainCall());
      expect(page.subscriptions.length).toBeLessThanOrEqual(2);
      names.push(...page.subscriptions.map((each) => each.name));
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
    expect(names).toEqual(["a", "b", "c", "d", "orders"].map((id) => `subscriptions/${id}`));
  });

  it("has one page when all fit, and refuses foreign tokens", async () => {
    const list = (pageToken: string) =>
      harness.methods.listSubscriptions(
        create(ListSubscriptionsRequestSchema, { pageSize: 1, pageToken }),
        plainCall(),
      );
    expect((await list("")).nextPageToken).toBe("");
    await expect(list("AQEx")).rejects.toMatchObject({ reason: "PAGE_TOKEN_INVALID" });
  });
});

describe("UpdateSubscription", () => {
  const filter = { types: [EventType.DELIVERY_REPORT] };

  it("changes what is present when there is no mask", async () => {
    const changed = await updateIt({ subscription: { name: NAME, filter, maxInFlight: 50 } });
    expect(changed).toMatchObject({ filter, maxInFlight: 50, maxAttempts: 3 });
    expect(harness.engine.calls).toEqual(["update filter,maxInFlight"]);
  });

  it("changes only what the mask names, and back to the default what is not present", async () => {
    await updateIt({ subscription: { name: NAME, filter } });
    const changed = await updateIt({
      subscription: { name: NAME, maxInFlight: 50 },
      updateMask: { paths: ["filter", "max_attempts"] },
    });
    expect(changed).toMatchObject({ maxInFlight: 9, maxAttempts: 10 });
    expect(changed?.filter).toBeUndefined();
  });

  it("replaces everything for *", async () => {
    const changed = await updateIt({
      subscription: { name: NAME, maxAttempts: 4 },
      updateMask: { paths: ["*"] },
    });
    expect(changed).toMatchObject({ maxInFlight: 1_000, maxAttempts: 4, maxBackoff: { seconds: 600n } });
  });

  it("stores nothing when nothing is to change, as with fields that only the service writes", async () => {
    for (const paths of [[], ["name", "status", "update_time"]]) {
      const changed = await updateIt({ subscription: { name: NAME }, updateMask: { paths } });
      expect(changed).toMatchObject({ maxInFlight: 9, maxAttempts: 3, updateTime: { seconds: 1n } });
    }
    expect(harness.engine.calls).toEqual([]);
  });

  it.each(["nope", "filter.types", "maxInFlight"])("refuses the path %s", async (path) => {
    await expect(
      updateIt({ subscription: { name: NAME, maxInFlight: 50 }, updateMask: { paths: ["filter", path] } }),
    ).rejects.toMatchObject({ reason: "REQUEST_INVALID", violations: [{ field: "update_mask.paths[1]" }] });
    expect(harness.engine.calls).toEqual([]);
  });

  it("checks the settings as they would be afterwards", async () => {
    await expect(
      updateIt({ subscription: { name: NAME, minBackoff: durationFromMs(3) } }),
    ).rejects.toMatchObject({ violations: [{ field: "subscription.max_backoff" }] });
    await updateIt({
      subscription: { name: NAME, minBackoff: durationFromMs(3), maxBackoff: durationFromMs(3) },
    });
  });
});

it("seeks to where the request says, for subscriptions that exist", async () => {
  const seek = (name: string, cursor: string) =>
    harness.methods.seekSubscription(
      create(SeekSubscriptionRequestSchema, { name, to: { case: "cursor", value: cursor } }),
      plainCall(),
    );
  await expect(seek("subscriptions/nope", "bad")).rejects.toMatchObject({ reason: "SUBSCRIPTION_UNKNOWN" });
  await expect(seek(NAME, "bad")).rejects.toMatchObject({ reason: "CURSOR_MALFORMED" });
  const { subscription } = await seek(NAME, encodeCursor(harness.log.id, 0));
  expect(subscription?.updateTime?.seconds).toBe(3n);
  expect(harness.engine.calls).toEqual(["seek orders to 0"]);
});

it("deletes a subscription", async () => {
  await harness.methods.deleteSubscription(
    create(DeleteSubscriptionRequestSchema, { name: NAME }),
    plainCall(),
  );
  await expect(get()).rejects.toMatchObject({ reason: "SUBSCRIPTION_UNKNOWN" });
});

describe("dead letters", () => {
  const letter = (sequence: number, padding = 0) => ({
    record: recordOf(sequence, `e${sequence}`, padding),
    attempts: 3,
    deadTimeMs: 4_000,
    lastFailure: "LEASE_EXPIRED" as const,
    redriven: sequence === 2,
  });
  const list = (pageSize: number, pageToken = "") =>
    harness.methods.listDeadLetters(
      create(ListDeadLettersRequestSchema, { parent: NAME, pageSize, pageToken }),
      plainCall(),
    );
  const redrive = (...names: string[]) =>
    harness.methods.redriveDeadLetters(
      create(RedriveDeadLettersRequestSchema, { parent: NAME, names }),
      plainCall(),
    );

  async function sequences(pageSize: number): Promise<number[][]> {
    const pages: number[][] = [];
    let pageToken = "";
    do {
      const page = await list(pageSize, pageToken);
      pages.push(page.deadLetters.map(({ event }) => Number(event?.sequence)));
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
    return pages;
  }

  it("are listed with their events", async () => {
    harness.engine.letters = [letter(2)];
    expect((await list(0)).deadLetters).toMatchObject([
      {
        name: `${NAME}/deadLetters/2`,
        event: { id: "e2", messageId: "m2" },
        attempts: 3,
        deadTime: { seconds: 4n },
        lastFailure: DeliveryFailure.LEASE_EXPIRED,
        redriven: true,
      },
    ]);
  });

  it("come in pages that are bounded by number and by size", async () => {
    harness.engine.letters = [1, 2, 3, 4, 5].map((sequence) => letter(sequence));
    expect(await sequences(2)).toEqual([[1, 2], [3, 4], [5]]);
    expect(await sequences(5)).toEqual([[1, 2, 3, 4, 5]]);
    harness.engine.letters = [1, 2, 3, 4].map((sequence) => letter(sequence, sequence === 3 ? 3e6 : 9e5));
    expect(await sequences(100)).toEqual([[1, 2], [3], [4]]);
  });

  it("are redriven by name, each once, or all", async () => {
    harness.engine.letters = [letter(2), letter(11)];
    const names = [11, 2, 11].map((sequence) => `${NAME}/deadLetters/${sequence}`);
    expect((await redrive(...names)).redriven).toBe(2);
    expect((await redrive()).redriven).toBe(2);
    expect(harness.engine.calls).toEqual(["redrive 2,11", "redrive all"]);
  });

  it.each(["x", `${NAME}/deadLetters/0`, `${NAME}/deadLetters/1e3`, "subscriptions/other/deadLetters/1"])(
    "are not redriven by the name %s",
    async (name) => {
      await expect(redrive(`${NAME}/deadLetters/1`, name)).rejects.toMatchObject({
        reason: "REQUEST_INVALID",
        violations: [{ field: "names[1]" }],
      });
    },
  );
});
