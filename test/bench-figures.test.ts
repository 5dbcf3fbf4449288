import { create, toBinary } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { messageId, reportBody } from "../bench/reports.ts";
import { keepsBudget } from "../bench/row.ts";
import { messageNumber } from "../bench/soak-ids.ts";
import { median, percentile, round } from "../bench/statistics.ts";
import { EventCounter } from "../bench/watch-frames.ts";
import { WatchEventsResponseSchema } from "../gen/infobip/events/v1/events_service_pb.js";
import { decodeReportBody } from "../src/infobip/reports/report-body.ts";
import { buildEvents } from "../src/webhook/event-batch.ts";

describe("statistics", () => {
  it("finds the middle of odd and even numbers of values", () => {
    expect(median([9, 1, 5])).toBe(5);
    expect(median([4, 1, 3, 2])).toBe(2.5);
    expect(median([])).toBeNaN();
  });

  it("finds percentiles by rank", () => {
    const values = Array.from({ length: 100 }, (_, i) => 100 - i);
    expect(percentile(values, 0.5)).toBe(50);
    expect(percentile(values, 0.99)).toBe(99);
    expect(percentile(values, 1)).toBe(100);
  });

  it("rounds to three digits", () => {
    expect([round(1.23456), round(98_765), round(0.000_123_45)]).toEqual([1.23, 98_800, 0.000_123]);
  });
});

describe("budgets", () => {
  const row = { name: "row", what: "", unit: "x", details: {} } as const;

  it("are kept up to the figure itself", () => {
    expect(keepsBudget({ ...row, measured: 2, budget: 2 })).toBe(true);
    expect(keepsBudget({ ...row, measured: 2.01, budget: 2 })).toBe(false);
    expect(keepsBudget({ ...row, measured: 2 })).toBeUndefined();
  });
});

describe("the reports of a run", () => {
  it("are read as delivery reports of messages that are all different", () => {
    const events = buildEvents(
      decodeReportBody(Buffer.from(reportBody("run", 7, 100)), { xml: false }),
      "delivery",
    );
    expect(events.map(({ columns }) => messageNumber("run", columns.messageId))).toEqual(
      Array.from({ length: 100 }, (_, i) => i + 7),
    );
    expect(events.every(({ columns }) => columns.final)).toBe(true);
  });

  it("sort as their messages do", () => {
    expect(messageId("run", 255) < messageId("run", 256)).toBe(true);
    expect(() => messageNumber("other", messageId("run", 1))).toThrow("another run");
  });
});

describe("the counter of events in a stream", () => {
  const events = (count: number) =>
    frame({
      case: "events",
      value: { events: Array.from({ length: count }, () => ({ id: "x".repeat(300) })) },
    });

  function frame(value: object): Buffer {
    const init = { frame: value } as Parameters<typeof create<typeof WatchEventsResponseSchema>>[1];
    const message = toBinary(WatchEventsResponseSchema, create(WatchEventsResponseSchema, init));
    const head = Buffer.alloc(5);
    head.writeUInt32BE(message.length, 1);
    return Buffer.concat([head, message]);
  }

  it("counts events and frames, however the bytes are cut", () => {
    const bytes = Buffer.concat([
      frame({ case: "started", value: { logId: "log" } }),
      events(3),
      frame({ case: "progress", value: { cursor: "c" } }),
      events(200),
    ]);
    for (const size of [1, 7, 64, bytes.length]) {
      const counter = new EventCounter();
      for (let at = 0; at < bytes.length; at += size) counter.push(bytes.subarray(at, at + size));
      expect([counter.events, counter.frames]).toEqual([203, 4]);
    }
  });
});
