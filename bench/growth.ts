import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import { GetMessageRequestSchema } from "../gen/infobip/events/v1/history_pb.js";
import { openEmbeddedLog } from "../src/eventlog/embedded/open-embedded-log.ts";
import type { EventLog, NewEvent, ReadOptions } from "../src/eventlog/event-log.ts";
import { createHistoryMethods, type HistoryMethods } from "../src/events/history-methods.ts";
import { ReplayTurns } from "../src/events/replay-turns.ts";
import { decodeReportBody } from "../src/infobip/reports/report-body.ts";
import type { CallContext } from "../src/rpc/call-context.ts";
import { buildEvents } from "../src/webhook/event-batch.ts";
import { messageId, reportBody } from "./reports.ts";
import type { Row } from "./row.ts";
import { median, round } from "./statistics.ts";

const BATCH = 200;
const IN_FLIGHT = 4;
const BUDGET = 1.3;
const READ: ReadOptions = { limit: 100, maxBytes: 1 << 20, includeRaw: false };
/** A call that nothing ends. */
const CONTEXT: CallContext = {
  signal: new AbortController().signal,
  timeoutMs: () => undefined,
  requestHeader: new Headers(),
  responseHeader: new Headers(),
  responseTrailer: new Headers(),
};
/** Beyond what any size here needs. */
const NO_RETENTION = { ageMs: 10 * 365 * 86_400_000, bytes: 2 ** 40 };

/** How much is measured. */
export interface GrowthSize {
  /** Events in the log at which costs are compared; the first is the base. */
  readonly sizes: readonly number[];
  /** Events appended, and messages looked up, for one figure. */
  readonly sample: number;
  readonly rounds: number;
}

/** CPU in microseconds: of an appended event, of an event read live, of one GetMessage without its transport. */
interface Costs {
  readonly append: number;
  readonly liveRead: number;
  readonly message: number;
}

/** What appends, live reads and GetMessage cost as the log grows, against the smallest size of the same run. */
export async function measureGrowth(size: GrowthSize): Promise<Row[]> {
  const directory = await mkdtemp(join(tmpdir(), "infobip-rpc-bench-"));
  try {
    await using log = await openEmbeddedLog({
      directory,
      maxFileBytes: NO_RETENTION.bytes,
      retention: NO_RETENTION,
    });
    const filler = new Filler(log);
    const costs: Costs[] = [];
    for (const events of size.sizes) {
      await filler.fillTo(events);
      costs.push(await measureCosts(filler, size));
    }
    return (["append", "liveRead", "message"] as const).map((kind) => toRow(kind, size.sizes, costs));
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

const WHAT = {
  append: "append",
  liveRead: "live read",
  message: "GetMessage without its transport",
} as const;

function toRow(kind: keyof Costs, sizes: readonly number[], costs: readonly Costs[]): Row {
  const values = costs.map((cost) => cost[kind]);
  const base = values[0] ?? Number.NaN;
  return {
    name: `growth-${kind}`,
    what: `${WHAT[kind]}: dearest size against ${sizes[0]} events, up to ${sizes.at(-1)}`,
    measured: round(Math.max(...values) / base),
    unit: "x",
    budget: BUDGET,
    details: { sizes, us_each: values.map(round) },
  };
}

async function measureCosts(filler: Filler, size: GrowthSize): Promise<Costs> {
  const append: number[] = [];
  const liveRead: number[] = [];
  const message: number[] = [];
  for (let r = 0; r < size.rounds; r++) {
    append.push(await filler.append(size.sample));
    liveRead.push(await filler.readLive(size.sample));
    message.push(await filler.lookUp(size.sample));
  }
  return { append: median(append), liveRead: median(liveRead), message: median(message) };
}

/** Fills a log with reports of ever new messages. */
class Filler {
  readonly #log: EventLog;
  readonly #template: NewEvent;
  readonly #getMessage: HistoryMethods["getMessage"];
  #count = 0;

  constructor(log: EventLog) {
    this.#log = log;
    this.#getMessage = createHistoryMethods({ log, turns: new ReplayTurns() }).getMessage;
    const [event] = buildEvents(
      decodeReportBody(Buffer.from(reportBody("template", 0, 1)), { xml: false }),
      "delivery",
    );
    if (event === undefined) throw new Error("no event was made of the template");
    this.#template = { ...event, encoded: Uint8Array.from(event.encoded), raw: Uint8Array.from(event.raw) };
  }

  async fillTo(events: number): Promise<void> {
    while (this.#count < events) await this.#appendBatches(Math.min(100_000, events - this.#count));
  }

  /** CPU in microseconds for each of `events` appended events. */
  async append(events: number): Promise<number> {
    const before = cpu();
    await this.#appendBatches(events);
    return (cpu() - before) / events;
  }

  /** CPU in microseconds for each event when the last ones are read as a stream at the head does. */
  async readLive(events: number): Promise<number> {
    const { head } = this.#log.bounds();
    let used = 0;
    for (let at = 0; at < events; at += READ.limit) {
      await this.#appendBatches(READ.limit);
      const before = cpu();
      const { records } = await this.#log.read(head + at, READ);
      used += cpu() - before;
      if (records.length !== READ.limit) throw new Error("a live read fell short");
    }
    return used / events;
  }

  /** CPU in microseconds for each of `messages` lookups, spread over the whole log. */
  async lookUp(messages: number): Promise<number> {
    const step = Math.max(1, Math.floor(this.#count / messages));
    const before = cpu();
    for (let n = 0; n < messages; n++) {
      const id = messageId("growth", (n * step * 7919) % this.#count);
      const request = create(GetMessageRequestSchema, { messageId: id });
      const { statusEvent, timeline } = await this.#getMessage(request, CONTEXT);
      if (statusEvent === undefined || timeline.length !== 1) throw new Error("a message was not found");
    }
    return (cpu() - before) / messages;
  }

  async #appendBatches(events: number): Promise<void> {
    const open = new Set<Promise<unknown>>();
    for (let left = events; left > 0; left -= BATCH) {
      const appended = this.#log.append(this.#batch(Math.min(BATCH, left)));
      open.add(appended);
      void appended.then(
        () => open.delete(appended),
        () => undefined,
      );
      if (open.size >= IN_FLIGHT) await Promise.race(open);
    }
    await Promise.all(open);
  }

  #batch(events: number): NewEvent[] {
    return Array.from({ length: events }, () => {
      const n = this.#count++;
      const fingerprint = Buffer.alloc(8);
      fingerprint.writeUInt32LE(Math.imul(n, 0x9e3779b1) >>> 0);
      fingerprint.writeUInt32LE(n, 4);
      const columns = { ...this.#template.columns, messageId: messageId("growth", n) };
      return { ...this.#template, columns, fingerprint };
    });
  }
}

function cpu(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}
