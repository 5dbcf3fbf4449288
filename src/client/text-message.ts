import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Channel } from "../../gen/infobip/messages/v1/channel_pb.js";
import type { BaseMessageSchema } from "../../gen/infobip/messages/v1/message_pb.js";

/** What a plain text message consists of. */
export interface TextMessage {
  readonly channel: Channel;
  /** Sender as Infobip knows it; not set: the service's default for the channel. */
  readonly from?: string;
  /** One address, or several that get the same text. */
  readonly to: string | readonly string[];
  readonly text: string;
}

/** A plain text message as `sendMessages` and `submitMessages` take it. */
export function textMessage({
  channel,
  from,
  to,
  text,
}: TextMessage): MessageInitShape<typeof BaseMessageSchema> {
  const addresses = typeof to === "string" ? [to] : to;
  return {
    kind: {
      case: "message",
      value: {
        channel,
        sender: from,
        destinations: addresses.map((address) => ({
          kind: { case: "toDestination" as const, value: { to: address } },
        })),
        content: { body: { type: { case: "text", value: { text } } } },
      },
    },
  };
}
