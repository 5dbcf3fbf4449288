import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import {
  StreamMessagesResponseSchema,
  type StreamOpenedSchema,
} from "../../gen/infobip/messages/v1/stream_messages_pb.js";

/** The first frame: the stream is open. */
export function openedFrame(value: MessageInitShape<typeof StreamOpenedSchema>): Uint8Array {
  return encode({ case: "opened", value });
}

/** The service stops, at `stopTimeMs` (Unix milliseconds) at the latest. */
export function drainingFrame(stopTimeMs: number): Uint8Array {
  return encode({ case: "draining", value: { stopTime: timestampFromMs(Math.floor(stopTimeMs)) } });
}

function encode(
  frame: NonNullable<MessageInitShape<typeof StreamMessagesResponseSchema>["frame"]>,
): Uint8Array {
  return toBinary(StreamMessagesResponseSchema, create(StreamMessagesResponseSchema, { frame }));
}
