import { existsSync, readdirSync, readFileSync } from "node:fs";
import { type DescMessage, fromBinary, toBinary } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { DeliveryReportResponseSchema } from "../gen/infobip/events/v1/delivery_report_pb.js";
import { IncomingMessageResponseSchema } from "../gen/infobip/events/v1/inbound_message_pb.js";
import {
  ApiErrorSchema,
  ValidationBadResponseSchema,
  ValidationOkResponseSchema,
} from "../gen/infobip/messages/v1/api_error_pb.js";
import { SendEventsRequestSchema } from "../gen/infobip/messages/v1/messages_service_pb.js";
import { MessageResponseSchema } from "../gen/infobip/messages/v1/response_pb.js";
import { SendMessagesRequestSchema } from "../gen/infobip/messages/v1/send_messages_pb.js";
import { decodeRest } from "../src/infobip/codec/decode.ts";
import { encodeRest } from "../src/infobip/codec/encode.ts";
import { validate } from "../src/validation.ts";

/** Infobip's published bodies: beside the checkout, not part of it. */
const EXAMPLES = new URL("../../shared/contract/examples/", import.meta.url);
const present = existsSync(EXAMPLES);

const SCHEMAS: readonly (readonly [path: RegExp, schema: DescMessage])[] = [
  [/^send\//, SendMessagesRequestSchema],
  [/^events\//, SendEventsRequestSchema],
  [/^(inbound|webhooks)\//, IncomingMessageResponseSchema],
  [/^responses\/.*reports-200/, DeliveryReportResponseSchema],
  [/^responses\/.*validate-200/, ValidationOkResponseSchema],
  [/^responses\/.*validate-400/, ValidationBadResponseSchema],
  [/^responses\/.*-400/, ApiErrorSchema],
  [/^responses\/.*-200/, MessageResponseSchema],
];

function schemaOf(path: string): DescMessage {
  const found = SCHEMAS.find(([pattern]) => pattern.test(path));
  if (!found) throw new Error(`${path}: no message type is known for this example`);
  return found[1];
}

const paths = present
  ? readdirSync(EXAMPLES, { recursive: true, encoding: "utf8" }).filter((p) => p.endsWith(".json"))
  : [];

describe("published bodies", () => {
  it("are there where they are required", () => {
    if (!present)
      process.stderr.write("published bodies not found: only the project's own fixtures are checked\n");
    expect(present || process.env.INFOBIP_RPC_REQUIRE_EXAMPLES !== "1").toBe(true);
    if (present) expect(paths.length).toBeGreaterThan(90);
  });

  it.for(paths)("%s survives REST to protobuf to REST unchanged", (path) => {
    const schema = schemaOf(path);
    const body: unknown = JSON.parse(readFileSync(new URL(path, EXAMPLES), "utf8"));
    const { message, issues } = decodeRest(schema, body);
    expect(issues).toEqual([]);
    if (/^(send|events)\//.test(path)) expect(validate(schema, message)).toEqual([]);
    const copy = fromBinary(schema, toBinary(schema, message));
    expect(JSON.parse(encodeRest(schema, copy))).toStrictEqual(body);
  });
});
