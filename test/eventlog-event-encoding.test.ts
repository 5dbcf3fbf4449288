import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import { expect, test } from "vitest";
import { EventSchema, EventType } from "../gen/infobip/events/v1/event_pb.js";
import { SendAnswerSchema } from "../gen/infobip/events/v1/send_answer_pb.js";
import { Channel } from "../gen/infobip/messages/v1/channel_pb.js";
import { encodeEvent } from "../src/eventlog/event-encoding.ts";
import { sampleColumns } from "./event-log-samples.ts";

const SEND_RESULT_FIELD = EventSchema.fields.find((field) => field.name === "send_result")?.number ?? 0;

// Lengths on both sides of where the length takes one more byte, with characters of one to four bytes.
const texts = fc.oneof(
  fc.string({ unit: "grapheme", maxLength: 20 }),
  fc
    .tuple(
      fc.constantFrom("a", "é", "€", "😀"),
      fc.constantFrom(1, 42, 43, 63, 64, 127, 128, 500, 5461, 5462, 16383, 16384),
    )
    .map(([unit, count]) => unit.repeat(count)),
);
const unset = (text: string) => (text === "" ? undefined : text);

test("encodes what the general decoder reads back", () => {
  const events = fc.record({
    id: texts,
    columns: fc.record({
      type: fc.constantFrom(EventType.SEND_RESULT, EventType.CLICK),
      channel: fc.constantFrom(Channel.UNSPECIFIED, Channel.SMS),
      messageId: texts,
      bulkId: texts,
      sender: texts,
      destination: texts,
      applicationId: texts,
      entityId: texts,
      final: fc.boolean(),
      occurTimeMs: fc.integer({ min: 1, max: 4_000_000_000_000 }),
    }),
    callbackData: fc.option(texts, { nil: undefined }),
    campaignReferenceId: fc.option(texts, { nil: undefined }),
    traceParent: fc.option(fc.constant("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"), {
      nil: undefined,
    }),
    errorReason: texts,
  });
  fc.assert(
    fc.property(events, ({ errorReason, ...event }) => {
      const columns = sampleColumns(event.columns);
      const answer = create(SendAnswerSchema, { errorReason });
      const payload = toBinary(SendAnswerSchema, answer);
      const encoded = encodeEvent({ ...event, columns, payloadField: SEND_RESULT_FIELD, payload });
      const expected = create(EventSchema, {
        id: event.id,
        type: columns.type,
        channel: columns.channel,
        final: columns.final,
        occurTime: timestampFromMs(columns.occurTimeMs),
        messageId: unset(columns.messageId),
        bulkId: unset(columns.bulkId),
        sender: unset(columns.sender),
        destination: unset(columns.destination),
        applicationId: unset(columns.applicationId),
        entityId: unset(columns.entityId),
        callbackData: unset(event.callbackData ?? ""),
        traceParent: event.traceParent,
        campaignReferenceId: unset(event.campaignReferenceId ?? ""),
        payload: { case: "sendResult", value: answer },
      });
      expect(fromBinary(EventSchema, encoded)).toEqual(expected);
    }),
  );
});
