import { create, equals } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { SendMessagesRequestSchema } from "../gen/infobip/messages/v1/send_messages_pb.js";
import {
  encodeStoredRequest,
  messageIdsOf,
  requestOf,
  traceOf,
  withoutMessages,
} from "../src/outbox/stored-request.ts";
import { traceOf as clientTrace, tracedMessage } from "./fixtures/traced-message.ts";

const REQUEST = create(SendMessagesRequestSchema, { messages: [tracedMessage("m-1")] });
const IDS = ["m-1", "é".repeat(200)];
const { header: traceparent } = clientTrace(1);

test.each([undefined, { traceparent }, { traceparent, tracestate: "shop=order-7,other=2" }])(
  "a stored submission keeps the trace of its call: %o",
  (trace) => {
    const stored = encodeStoredRequest(IDS, REQUEST, trace);
    expect(traceOf(stored)).toEqual(trace);
    expect(messageIdsOf(stored)).toEqual(IDS);
    const request = requestOf(stored);
    expect(request && equals(SendMessagesRequestSchema, request, REQUEST)).toBe(true);
  },
);

test("without a trace the bytes are those of a submission that was stored before traces were kept", () => {
  const stored = encodeStoredRequest(["a"], create(SendMessagesRequestSchema, {}));
  expect([...stored]).toEqual([0x0a, 1, 0x61, 0x12, 0]);
});

test("the trace goes with the messages once a submission is done", () => {
  const done = withoutMessages(encodeStoredRequest(IDS, REQUEST, { traceparent }));
  expect([traceOf(done), requestOf(done), messageIdsOf(done)]).toEqual([undefined, undefined, IDS]);
});
