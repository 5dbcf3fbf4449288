import { afterAll, beforeAll } from "vitest";
import { openFencedSubmissions } from "../src/eventlog/jetstream/submissions/open-fenced-submissions.ts";
import { systemTimer } from "../src/timer.ts";
import { MemoryEventLog } from "./fixtures/memory-event-log.ts";
import { startStoreProcess } from "./fixtures/store-rig.ts";
import { describeNats, type NatsServer, startNatsServer, uniquePrefix } from "./nats-server.ts";
import { describeSubmissionStoreContract } from "./submission-store-contract.ts";

describeNats("submissions on JetStream", () => {
  let server: NatsServer;
  beforeAll(async () => {
    server = await startNatsServer();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  describeSubmissionStoreContract("JetStream", async () => {
    const process = await startStoreProcess(server.url, uniquePrefix());
    const { stream, root } = await process.outbox();
    const { publisher, link, directory } = process;
    const log = new MemoryEventLog();
    const open = () =>
      openFencedSubmissions({
        publisher,
        stream,
        root,
        maxPayload: link.maxPayload,
        log,
        instanceId: "0123456789abcdef",
        directory,
        timer: systemTimer,
      });
    let opened = await open();
    return {
      log,
      get store() {
        return opened.store;
      },
      async reopen() {
        await opened[Symbol.asyncDispose]();
        opened = await open();
      },
      async [Symbol.asyncDispose]() {
        await opened[Symbol.asyncDispose]();
        await log[Symbol.asyncDispose]();
        await process[Symbol.asyncDispose]();
      },
    };
  });
});
