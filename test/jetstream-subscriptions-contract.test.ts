import { afterAll, beforeAll } from "vitest";
import { FencedStorage } from "./fixtures/fenced-storage.ts";
import { startStoreProcess } from "./fixtures/store-rig.ts";
import { describeNats, type NatsServer, startNatsServer, uniquePrefix } from "./nats-server.ts";
import { describeSubscriptionContract } from "./subscription-contract.ts";

describeNats("subscriptions on JetStream", () => {
  let server: NatsServer;
  beforeAll(async () => {
    server = await startNatsServer();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  describeSubscriptionContract("JetStream", async () => {
    const process = await startStoreProcess(server.url, uniquePrefix());
    return FencedStorage.open(await process.subscriptions(), async () => process[Symbol.asyncDispose]());
  });
});
