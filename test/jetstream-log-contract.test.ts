import { afterAll, beforeAll } from "vitest";
import type { EventLog } from "../src/eventlog/event-log.ts";
import type { JetStreamLog } from "../src/eventlog/jetstream/jetstream-log.ts";
import { describeEventLogContract } from "./event-log-contract.ts";
import { type LogProcess, startLogProcess } from "./fixtures/jetstream-rig.ts";
import { describeNats, type NatsServer, startNatsServer, uniquePrefix } from "./nats-server.ts";

describeNats("event log in NATS", () => {
  let server: NatsServer;
  beforeAll(async () => {
    server = await startNatsServer();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  describeEventLogContract("jetstream", async () => {
    const process = await startLogProcess(server.url, uniquePrefix());
    let timeMs = 1_000;
    return {
      open: async () => withClock(await process.open(), () => timeMs),
      setTime: (value) => {
        timeMs = value;
      },
      removeThrough: (log, position) => purge(process, log, position),
      [Symbol.asyncDispose]: async () => {
        // Thousands of streams would slow the server down.
        await process.ask("STREAM.DELETE");
        await process[Symbol.asyncDispose]();
      },
    };
  });
});

/** The log with a clock that the test sets: the server's cannot be. */
function withClock(log: JetStreamLog, now: () => number): JetStreamLog {
  const append: EventLog["append"] = (events) =>
    log.appendAt(
      events,
      events.map(() => now()),
    );
  return new Proxy(log, {
    get: (target, name) => {
      if (name === "append") return append;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

async function purge(process: LogProcess, log: EventLog, position: number): Promise<void> {
  await process.ask("STREAM.PURGE", { seq: position + 1 });
  await (log as JetStreamLog).refresh();
}
