import { create, toBinary } from "@bufbuild/protobuf";
import { StatusSchema } from "../../gen/google/rpc/status_pb.js";
import { type MessageStatus, MessageStatusSchema } from "../../gen/infobip/messages/v1/response_pb.js";
import {
  type SendMessagesResponse,
  type SendResult,
  SendResultSchema,
} from "../../gen/infobip/messages/v1/send_messages_pb.js";
import type { ServiceError } from "../errors.ts";
import { toRpcStatus } from "../rpc/rpc-status.ts";
import { ProtobufWriter } from "./protobuf-writer.ts";
import { isSameStatus } from "./send-answer-encoder.ts";

// Field numbers of StreamResults, StreamResult, SendMessagesResponse and SendResult;
// test/stream-messages-encoding.test.ts decodes them.
const RESULTS = { results: 1 } as const;
const RESULT = { clientRef: 1, response: 2, error: 3 } as const;
const RESPONSE = { bulkId: 1, results: 2 } as const;
const SENT = {
  messageIndex: 1,
  destinationIndex: 2,
  messageId: 3,
  destination: 4,
  status: 5,
  outcome: 7,
} as const;

/**
 * Encodes results of sends as entries of StreamResults, tag and length
 * included. Infobip's status is almost always the same, and so is the error of
 * refused sends: the last ones are kept encoded. One object serves all streams.
 */
export class StreamResultEncoder {
  readonly #writer = new ProtobufWriter();
  #status: MessageStatus | undefined;
  #statusBytes: Uint8Array = new Uint8Array(0);
  #error: ServiceError | undefined;
  #errorBytes: Uint8Array = new Uint8Array(0);

  /** The entry of a send that was answered. Details that are nested too deep to encode are left out. */
  response(clientRef: string, { bulkId, results }: SendMessagesResponse): Uint8Array {
    const writer = this.#writer;
    writer.clear();
    for (let at = results.length - 1; at >= 0; at--) {
      const result = results[at];
      if (result !== undefined) this.#result(result);
    }
    if (bulkId !== undefined) writer.string(RESPONSE.bulkId, bulkId);
    writer.nested(RESULT.response, 0);
    return this.#entry(clientRef);
  }

  /** The entry of a send that has failed. */
  error(clientRef: string, error: ServiceError): Uint8Array {
    if (this.#error !== error) {
      this.#errorBytes = toBinary(StatusSchema, toRpcStatus(error));
      this.#error = error;
    }
    this.#writer.clear();
    this.#writer.message(RESULT.error, this.#errorBytes);
    return this.#entry(clientRef);
  }

  #entry(clientRef: string): Uint8Array {
    this.#writer.string(RESULT.clientRef, clientRef);
    this.#writer.nested(RESULTS.results, 0);
    return this.#writer.take();
  }

  #result(result: SendResult): void {
    const writer = this.#writer;
    if (result.details !== undefined || result.$unknown !== undefined) {
      writer.message(RESPONSE.results, encodeDetailed(result));
      return;
    }
    const mark = writer.length;
    if (result.outcome !== 0) writer.integer(SENT.outcome, result.outcome);
    if (result.status !== undefined) writer.message(SENT.status, this.#encodeStatus(result.status));
    if (result.destination !== undefined) writer.string(SENT.destination, result.destination);
    if (result.messageId !== "") writer.string(SENT.messageId, result.messageId);
    if (result.destinationIndex !== 0) writer.integer(SENT.destinationIndex, result.destinationIndex);
    if (result.messageIndex !== 0) writer.integer(SENT.messageIndex, result.messageIndex);
    writer.nested(RESPONSE.results, mark);
  }

  #encodeStatus(status: MessageStatus): Uint8Array {
    const last = this.#status;
    if (last !== undefined && status.$unknown === undefined && isSameStatus(last, status))
      return this.#statusBytes;
    this.#statusBytes = toBinary(MessageStatusSchema, status);
    this.#status = status.$unknown === undefined ? status : undefined;
    return this.#statusBytes;
  }
}

function encodeDetailed(result: SendResult): Uint8Array {
  try {
    return toBinary(SendResultSchema, result);
  } catch {
    const { messageIndex, destinationIndex, messageId, destination, status, outcome } = result;
    const rest = { messageIndex, destinationIndex, messageId, destination, status, outcome };
    return toBinary(SendResultSchema, create(SendResultSchema, rest));
  }
}
