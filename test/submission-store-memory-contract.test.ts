import { MemoryEventLog } from "./fixtures/memory-event-log.ts";
import { MemorySubmissionStore } from "./fixtures/memory-submission-store.ts";
import { describeSubmissionStoreContract } from "./submission-store-contract.ts";

describeSubmissionStoreContract("in memory", async () => {
  const log = new MemoryEventLog();
  let store = new MemorySubmissionStore(log);
  return {
    log,
    get store() {
      return store;
    },
    async reopen() {
      store = store.copy();
    },
    [Symbol.asyncDispose]: async () => {},
  };
});
