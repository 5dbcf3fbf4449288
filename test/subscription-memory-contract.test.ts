import { MemoryStorage } from "./fixtures/memory-storage.ts";
import { describeSubscriptionContract } from "./subscription-contract.ts";

describeSubscriptionContract("in memory", async () => new MemoryStorage());
