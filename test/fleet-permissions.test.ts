import { randomBytes, randomUUID } from "node:crypto";
import { expect, it } from "vitest";
import { openFleet } from "../src/fleet/open-fleet.ts";
import { createPublisher } from "../src/nats/jetstream-publisher.ts";
import { createValues } from "../src/nats/stream-values.ts";
import { Secret } from "../src/secret.ts";
import { StartError } from "../src/start-error.ts";
import { systemTimer } from "../src/timer.ts";
import { openLink, rejection } from "./nats-rig.ts";
import { describeNats, startNatsServer } from "./nats-server.ts";

const OWN = "shop.>";
const REPLIES = "_INBOX.>";

/** Joins a fleet as a user who may use these subjects only. */
async function join(publish: readonly string[], subscribe: readonly string[]): Promise<void> {
  const permissions = JSON.stringify({ publish, subscribe });
  await using server = await startNatsServer({
    config: `authorization { users: [{ user: a, password: b, permissions: ${permissions} }] }`,
  });
  const auth = { kind: "password", user: "a", password: new Secret("b") } as const;
  const link = await openLink(server.url, { auth });
  await using publisher = createPublisher(link, {
    requestTimeoutMs: 1_000,
    maxInFlightBytes: 1 << 20,
    timer: systemTimer,
  });
  const owners = createValues({ link, publisher, stream: "SHOP_OWNERS", subject: "shop.owners" });
  await using _fleet = await openFleet({
    link,
    owners,
    prefix: "SHOP",
    instanceId: randomBytes(8).toString("hex"),
    kinds: {},
    services: [],
    errors: { newErrorId: randomUUID, onInternalError: () => {} },
    timer: systemTimer,
    now: Date.now,
    random: Math.random,
  });
}

describeNats("a fleet whose user may not use its subjects", () => {
  it("opens with its own subjects and the replies to its requests", async () => {
    await join([OWN], [OWN, REPLIES]);
  });

  it.each([
    ["listen", [OWN], [REPLIES], /Subscription/],
    ["publish", ["$JS.API.>"], [OWN, REPLIES], /Publish/],
  ])("does not open when it may not %s", async (_what, publish, subscribe, said) => {
    const error = await rejection(join(publish, subscribe));
    expect(error).toBeInstanceOf(StartError);
    expect(error).toMatchObject({ reason: "NATS_PERMISSIONS" });
    expect(error.message).toMatch(said);
    expect(error.message).toContain("publish and subscribe on shop.>");
  });
});
