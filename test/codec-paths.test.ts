import { describe, expect, it } from "vitest";
import { SendMessagesRequestSchema as Schema } from "../gen/infobip/messages/v1/send_messages_pb.js";
import { decodeRest } from "../src/infobip/codec/decode.ts";
import { toFieldPath, toPropertyPath } from "../src/infobip/codec/paths.ts";

const { message } = decodeRest(Schema, {
  messages: [
    { channel: "SMS", destinations: [{ to: "1" }], content: { body: { type: "TEXT", text: "x" } } },
    {
      channel: "RCS",
      destinations: [{ byChannel: [{ channel: "RCS", to: "1" }] }],
      template: { templateName: "t" },
      content: { body: { type: "TEXT", "1": "a" } },
    },
  ],
});

const PAIRS: readonly (readonly [property: string, field: string])[] = [
  ["messages[0].channel", "messages[0].message.channel"],
  ["messages[0].destinations[0].to", "messages[0].message.destinations[0].to_destination.to"],
  ["messages[0].content.body.text", "messages[0].message.content.body.text.text"],
  ["messages[0].content.body.type", "messages[0].message.content.body.type"],
  ["messages[1].template.templateName", "messages[1].template_message.template.template_name"],
  ["messages[1].content.body.1", 'messages[1].template_message.content.body.text.placeholders["1"]'],
  [
    "messages[1].destinations[0].byChannel[0].to",
    "messages[1].template_message.destinations[0].channels_destination.by_channel[0].to",
  ],
  ["options.schedule.sendAt", "options.schedule.send_at"],
];

describe("paths", () => {
  it.each(PAIRS)("%s is %s", (property, field) => {
    expect(toFieldPath(Schema, message, property)).toBe(field);
    expect(toPropertyPath(Schema, field)).toBe(property);
  });

  it("find the variant by its property when the message does not hold it", () => {
    expect(toFieldPath(Schema, undefined, "messages[3].template")).toBe(
      "messages[3].template_message.template",
    );
  });

  it.each(["messages[0].metadata", "]x[", "messages[0].content.body.type.deeper", ".."])(
    "%s has no field",
    (property) => {
      expect(toFieldPath(Schema, message, property)).toBe("");
    },
  );
});
