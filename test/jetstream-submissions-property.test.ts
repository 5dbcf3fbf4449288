import fc from "fast-check";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { SubmissionCommit } from "../src/eventlog/submission-store.ts";
import type { Fate } from "./fixtures/faulty-publisher.ts";
import { MemorySubmissionStore } from "./fixtures/memory-submission-store.ts";
import { type OutboxRig, startOutboxRig } from "./fixtures/outbox-rig.ts";
import { describeNats, type NatsServer, startNatsServer, uniquePrefix } from "./nats-server.ts";
import { arbitraryCommit, cleanCommit, contents } from "./submission-commits.ts";
import { commitTo } from "./submission-samples.ts";

type Changes = Pick<SubmissionCommit, "records" | "removed">;

const FATES: readonly Fate[] = ["lost", "unacknowledged", "late"];
/** A commit, and which of its messages meets which fate; more attempts than messages: none does. */
const troubledCommit = fc.record({
  changes: arbitraryCommit,
  at: fc.nat(8),
  fate: fc.constantFrom(...FATES),
});

describeNats("submissions on JetStream, any commits", () => {
  let server: NatsServer;
  let rig: OutboxRig;
  beforeAll(async () => {
    server = await startNatsServer();
    rig = await startOutboxRig(server.url, uniquePrefix());
  });
  afterAll(async () => {
    await rig[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
  });

  it("tells what a store in memory does, also after it is opened anew", async () => {
    const check = async (commits: readonly Changes[]): Promise<void> => {
      const memory = new MemorySubmissionStore();
      await using opened = await rig.open();
      for (const changes of [cleanCommit(), ...commits]) {
        await Promise.all([commitTo(memory, changes), commitTo(opened.store, changes)]);
        expect(await contents(opened.store)).toEqual(await contents(memory));
      }
      await using again = await rig.open();
      expect(await contents(again.store)).toEqual(await contents(memory));
    };
    await fc.assert(fc.asyncProperty(fc.array(arbitraryCommit, { maxLength: 8 }), check), { numRuns: 8 });
  });

  it("does so when commits fail in the middle and are repeated, and takes nothing that arrives late", async () => {
    const check = async (commits: readonly { changes: Changes; at: number; fate: Fate }[]): Promise<void> => {
      const memory = new MemorySubmissionStore();
      await using opened = await rig.open();
      const { publisher } = rig;
      await Promise.all([commitTo(memory, cleanCommit()), commitTo(opened.store, cleanCommit())]);
      for (const { changes, at, fate } of commits) {
        const first = publisher.count;
        publisher.fate = (n) => (n === first + at ? fate : "sent");
        await commitTo(opened.store, changes).catch(() => {});
        publisher.fate = () => "sent";
        await contents(opened.store);
        expect(await publisher.arrive()).toBe(0);
        await Promise.all([commitTo(memory, changes), commitTo(opened.store, changes)]);
        expect(await contents(opened.store)).toEqual(await contents(memory));
      }
      expect(opened.fenced.aborted).toBe(false);
      await using again = await rig.open();
      expect(await contents(again.store)).toEqual(await contents(memory));
    };
    await fc.assert(fc.asyncProperty(fc.array(troubledCommit, { maxLength: 6 }), check), { numRuns: 10 });
  });
});
