import { describe, expect, it } from "vitest";
import { EventType } from "../gen/infobip/events/v1/event_pb.js";
import type { NewEvent } from "../src/eventlog/event-log.ts";
import { traceParentOf, withTraceParent } from "../src/eventlog/event-trace.ts";
import type { ReportItem } from "../src/infobip/reports/report-item.ts";
import { MAX_LOOKUPS, MessageContexts, REPROBE_MS } from "../src/telemetry/tracing/message-contexts.ts";
import { GENERATION, RecentContexts } from "../src/telemetry/tracing/recent-contexts.ts";
import { sampleEvent, sampleEvents } from "./event-log-samples.ts";
import { MemoryEventLog } from "./fixtures/memory-event-log.ts";
import { traceOf } from "./fixtures/traced-message.ts";

const TRACE = { traceparent: traceOf(1).header };
const { SEND_RESULT, SUBMISSION, SEEN_REPORT, CLICK, INBOUND_MESSAGE, UNPARSED } = EventType;

/** A log that counts its reads. */
class CountedLog extends MemoryEventLog {
  reads = 0;
  messageReads = 0;

  override read(...args: Parameters<MemoryEventLog["read"]>) {
    this.reads++;
    return super.read(...args);
  }

  override readMessage(...args: Parameters<MemoryEventLog["readMessage"]>) {
    this.messageReads++;
    return super.readMessage(...args);
  }
}

function setUp(options: { readonly isShared?: boolean; readonly isRecording?: boolean } = {}) {
  const log = new CountedLog();
  const clock = { now: 0 };
  const contexts = new MessageContexts({
    log,
    isShared: options.isShared ?? false,
    isRecording: options.isRecording ?? false,
    now: () => clock.now,
  });
  const attach = async (events: readonly NewEvent[], values: readonly unknown[] = []) => {
    const items: ReportItem[] = events.map(({ raw }, at) => ({ value: values[at], raw }));
    const attached = await contexts.attach(events, items, undefined);
    return attached.map(({ encoded }) => traceParentOf(encoded));
  };
  return { log, clock, contexts, attach };
}

function sent(n: number, type = SEND_RESULT, isTraced = true): NewEvent {
  const event = sampleEvent(n + 1_000_000, { type, messageId: `m-${n}` });
  return isTraced ? { ...event, encoded: withTraceParent(event.encoded, TRACE.traceparent) } : event;
}

describe("the contexts of sends", () => {
  it("cost nothing but one look at the log as long as no send was part of a trace", async () => {
    const { log, contexts, attach } = setUp();
    await log.append([sent(1, SEND_RESULT, false)]);
    contexts.sent(["m-1"], undefined);
    const events = sampleEvents(1, 3);
    await attach(events);
    for (let n = 0; n < 5; n++) expect(contexts.attach(events, [], undefined)).toBe(events);
    expect([log.reads, log.messageReads, contexts.isInUse]).toEqual([1, 0, false]);
  });

  it("come from memory for what this process sent", async () => {
    const { log, contexts, attach } = setUp();
    contexts.sent(["m-1", "", "m-2"], TRACE);
    contexts.sent(["m-3"], undefined);
    expect(await attach(sampleEvents(1, 3))).toEqual([TRACE.traceparent, TRACE.traceparent, undefined]);
    expect(log.messageReads).toBe(0);
  });

  it("come from the log for what an earlier process sent, and are remembered", async () => {
    const { log, attach } = setUp();
    await log.append([sent(1), sent(2, SUBMISSION), sent(3, SEND_RESULT, false)]);
    const expected = [TRACE.traceparent, TRACE.traceparent, undefined];
    expect(await attach(sampleEvents(1, 3))).toEqual(expected);
    expect(await attach(sampleEvents(1, 3))).toEqual(expected);
    expect(log.messageReads).toBe(3);
  });

  it("are asked for again as long as the log knows no send", async () => {
    const { log, attach } = setUp({ isRecording: true });
    expect(await attach([sampleEvent(1)])).toEqual([undefined]);
    await log.append([sent(1)]);
    expect(await attach([sampleEvent(1)])).toEqual([TRACE.traceparent]);
    expect([log.reads, log.messageReads]).toEqual([0, 2]);
  });

  it("are looked up for a bounded number of messages", async () => {
    const { log, attach } = setUp({ isRecording: true });
    await attach(sampleEvents(1, MAX_LOOKUPS + 50));
    expect(log.messageReads).toBe(MAX_LOOKUPS);
  });

  it("go to reports of the message, and to what is paired with it", async () => {
    const { log, contexts, attach } = setUp();
    contexts.sent(["m-1"], TRACE);
    const of = (type: EventType, messageId = "m-1") => sampleEvent(1, { type, messageId });
    const inbound = of(INBOUND_MESSAGE, "mo-1");
    const events = [
      of(SEEN_REPORT),
      of(CLICK),
      of(UNPARSED, "x"),
      inbound,
      inbound,
      inbound,
      of(SEEN_REPORT, ""),
    ];
    const values = [{}, {}, {}, { pairedMessageId: "m-1" }, { pairedMessageId: 1 }, undefined, {}];
    const { traceparent } = TRACE;
    const none = undefined;
    expect(await attach(events, values)).toEqual([
      traceparent,
      traceparent,
      none,
      traceparent,
      none,
      none,
      none,
    ]);
    expect(log.messageReads).toBe(0);
  });

  it("of other processes are noticed after a while", async () => {
    const { log, clock, contexts, attach } = setUp({ isShared: true });
    expect(await attach([sampleEvent(1)])).toEqual([undefined]);
    await log.append([sent(1)]);
    clock.now = REPROBE_MS - 1;
    expect(await attach([sampleEvent(1)])).toEqual([undefined]);
    clock.now = REPROBE_MS;
    expect(await attach([sampleEvent(1)])).toEqual([TRACE.traceparent]);
    expect([log.reads, contexts.isInUse]).toEqual([2, true]);
  });

  it("are left out when the log cannot be read", async () => {
    const { log, contexts, attach } = setUp();
    log.readMessage = () => Promise.reject(new Error("unreadable"));
    contexts.sent(["m-2"], TRACE);
    expect(await attach(sampleEvents(1, 2))).toEqual([undefined, TRACE.traceparent]);
    const probing = setUp();
    probing.log.read = () => Promise.reject(new Error("unreadable"));
    expect(await probing.attach([sampleEvent(1)])).toEqual([undefined]);
  });
});

it("keeps the last messages, and not more than two generations of them", () => {
  const recent = new RecentContexts();
  for (let n = 0; n < 3 * GENERATION; n++) recent.set(`m-${n}`, TRACE.traceparent);
  expect(recent.has("m-0")).toBe(false);
  expect(recent.has(`m-${GENERATION - 1}`)).toBe(false);
  for (const n of [GENERATION, 2 * GENERATION, 3 * GENERATION - 1])
    expect(recent.get(`m-${n}`)).toBe(TRACE.traceparent);
  recent.set(`m-${GENERATION}`, undefined);
  expect(recent.get(`m-${GENERATION}`)).toBeUndefined();
});
