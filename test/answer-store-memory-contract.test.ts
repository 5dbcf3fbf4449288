import { describeAnswerStoreContract } from "./answer-store-contract.ts";
import { ManualTimer } from "./fixtures/manual-timer.ts";
import { MemoryAnswerStore } from "./fixtures/memory-answer-store.ts";

describeAnswerStoreContract("in memory", async (limits) => {
  const timer = new ManualTimer();
  return {
    store: new MemoryAnswerStore({ ...limits, now: timer.wallClock }),
    advance: (ms) => timer.advance(ms),
    reopen: async () => {},
    [Symbol.asyncDispose]: async () => {},
  };
});
