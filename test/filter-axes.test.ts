import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EventFilterSchema } from "../gen/infobip/events/v1/event_filter_pb.js";
import { EventType } from "../gen/infobip/events/v1/event_pb.js";
import { Channel } from "../gen/infobip/messages/v1/channel_pb.js";
import type { EventColumns } from "../src/eventlog/event-log.ts";
import { compileFilter } from "../src/eventlog/filter.ts";
import { sampleColumns } from "./event-log-samples.ts";

type FilterInit = MessageInitShape<typeof EventFilterSchema>;

const passes = (filter: FilterInit, columns: Partial<EventColumns>): boolean =>
  compileFilter(create(EventFilterSchema, filter))?.(sampleColumns(columns)) ?? true;

const AXES: [string, FilterInit, Partial<EventColumns>[], Partial<EventColumns>[]][] = [
  [
    "types",
    { types: [EventType.SEEN_REPORT, EventType.UNPARSED] },
    [{ type: EventType.SEEN_REPORT }, { type: EventType.UNPARSED }],
    [{ type: EventType.DELIVERY_REPORT }],
  ],
  [
    "channels",
    { channels: [Channel.SMS, Channel.RCS] },
    [{ channel: Channel.SMS }, { channel: Channel.RCS }],
    [{ channel: Channel.WHATSAPP }, { channel: Channel.UNSPECIFIED }],
  ],
  [
    "message_ids",
    { messageIds: ["a", "b"] },
    [{ messageId: "a" }, { messageId: "b" }],
    [{ messageId: "A" }, { messageId: "" }],
  ],
  [
    "bulk_ids",
    { bulkIds: ["a", "b"] },
    [{ bulkId: "a" }, { bulkId: "b" }],
    [{ bulkId: "ab" }, { bulkId: "" }],
  ],
  [
    "senders",
    { senders: ["a", "b"] },
    [{ sender: "a" }, { sender: "b" }],
    [{ sender: " a" }, { sender: "" }],
  ],
  [
    "destinations",
    { destinations: ["1", "2"] },
    [{ destination: "1" }, { destination: "2" }],
    [{ destination: "12" }],
  ],
  [
    "application_ids",
    { applicationIds: ["a", "b"] },
    [{ applicationId: "a" }, { applicationId: "b" }],
    [{ applicationId: "" }],
  ],
  ["entity_ids", { entityIds: ["a", "b"] }, [{ entityId: "a" }, { entityId: "b" }], [{ entityId: "" }]],
  ["final_only", { finalOnly: true }, [{ final: true }], [{ final: false }]],
];

describe("event filter", () => {
  it.each(AXES)("%s passes its values and nothing else", (_, filter, matching, others) => {
    expect(matching.map((columns) => passes(filter, columns))).toEqual(matching.map(() => true));
    expect(others.map((columns) => passes(filter, columns))).toEqual(others.map(() => false));
  });

  it.each<FilterInit | undefined>([undefined, {}, { finalOnly: false }])("%j passes everything", (filter) => {
    expect(compileFilter(filter && create(EventFilterSchema, filter))).toBeUndefined();
  });

  it("passes what each of its axes passes, for every choice of axes", () => {
    const chosen = fc.subarray(AXES.filter(([name]) => name !== "types"));
    fc.assert(
      fc.property(chosen, fc.infiniteStream(fc.boolean()), (axes, match) => {
        const filter = Object.assign({}, ...axes.map(([, init]) => init));
        const picks = axes.map(([, , yes, no]) =>
          match.next().value ? { ok: true, columns: yes[0] } : { ok: false, columns: no[0] },
        );
        const columns = Object.assign({}, ...picks.map((pick) => pick.columns));
        expect(passes(filter, columns)).toBe(picks.every((pick) => pick.ok));
      }),
    );
  });

  it("refuses final_only with types that are never final", () => {
    const inert = { finalOnly: true, types: [EventType.SEEN_REPORT, EventType.INBOUND_MESSAGE] };
    expect(() => passes(inert, {})).toThrowError(
      expect.objectContaining({ reason: "FILTER_INERT", code: Code.InvalidArgument }),
    );
    expect(
      passes({ ...inert, types: [EventType.SEEN_REPORT, EventType.DELIVERY_REPORT] }, { final: true }),
    ).toBe(true);
    expect(passes({ ...inert, finalOnly: false }, { type: EventType.SEEN_REPORT })).toBe(true);
  });
});
