import { hash } from "node:crypto";
import { create, type DescMessage, type MessageShape, toBinary } from "@bufbuild/protobuf";
import {
  type SendMessagesRequest,
  SendMessagesRequestSchema,
} from "../../gen/infobip/messages/v1/send_messages_pb.js";
import { orderMaps } from "./canonical-order.ts";

/**
 * SHA-256 over a message's binary encoding, by which repeats are told from
 * other contents. Equal for messages that differ only in the order of fields on
 * the wire or of map and JSON object entries, which it brings into one order in
 * place. Different as soon as a field is set in one and not in the other, even
 * to its default; fields that this service does not know count too. Expects a
 * message that was decoded, so that it can be encoded.
 */
export function payloadHash<D extends DescMessage>(schema: D, message: MessageShape<D>): Uint8Array {
  orderMaps(schema, message);
  return hash("sha256", toBinary(schema, message), "buffer");
}

/**
 * {@link payloadHash} of what SendMessages sends: messages and options. How it
 * is sent (`coalesce`) may differ between repeats. To be called before defaults
 * and message ids are filled in.
 */
export function hashOfSend(request: SendMessagesRequest): Uint8Array {
  const contents = create(SendMessagesRequestSchema);
  contents.messages = request.messages;
  if (request.options !== undefined) contents.options = request.options;
  if (request.$unknown !== undefined) contents.$unknown = request.$unknown;
  return payloadHash(SendMessagesRequestSchema, contents);
}
