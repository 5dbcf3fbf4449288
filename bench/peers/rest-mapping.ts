import { create } from "@bufbuild/protobuf";
import { Channel } from "../../gen/infobip/messages/v1/channel_pb.js";
import type { MessageDestination } from "../../gen/infobip/messages/v1/destination_pb.js";
import type { MessageBody } from "../../gen/infobip/messages/v1/message_body_pb.js";
import type { BaseMessage } from "../../gen/infobip/messages/v1/message_pb.js";
import { MessageGeneralStatus } from "../../gen/infobip/messages/v1/response_pb.js";
import {
  type SendMessagesRequest,
  type SendMessagesResponse,
  SendMessagesResponseSchema,
  SendOutcome,
} from "../../gen/infobip/messages/v1/send_messages_pb.js";

/*
 * What a gateway written in a day does between protobuf and Infobip's JSON:
 * the everyday bodies and addresses, property by property.
 */

/** Writes a request as Infobip's JSON. Throws for what the gateway does not know. */
export function toRest(request: SendMessagesRequest): string {
  return JSON.stringify({ messages: request.messages.map(toMessage) });
}

function toMessage({ kind }: BaseMessage): object {
  if (kind.case !== "message") throw new Error("templates are not supported");
  const { channel, sender, destinations, content, options, webhooks } = kind.value;
  return {
    channel: Channel[channel],
    sender,
    destinations: destinations.map(toDestination),
    content: { body: toBody(content?.body) },
    options: options && {
      campaignReferenceId: options.campaignReferenceId,
      adaptationMode: options.adaptationMode,
    },
    webhooks: webhooks && {
      delivery: webhooks.delivery && { url: webhooks.delivery.url },
      callbackData: webhooks.callbackData,
    },
  };
}

function toDestination({ kind }: MessageDestination): object {
  if (kind.case !== "toDestination") throw new Error("only plain destinations are supported");
  return { to: kind.value.to, messageId: kind.value.messageId };
}

function toBody(body: MessageBody | undefined): object {
  switch (body?.type.case) {
    case "text":
      return { type: "TEXT", text: body.type.value.text };
    case "image":
      return { type: "IMAGE", url: body.type.value.url, text: body.type.value.text };
    case "document": {
      const { url, text, filename } = body.type.value;
      return { type: "DOCUMENT", url, text, filename };
    }
    default:
      throw new Error("this body is not supported");
  }
}

interface RestResponse {
  readonly bulkId?: string;
  readonly messages: readonly {
    readonly messageId?: string;
    readonly destination?: string;
    readonly status?: RestStatus;
  }[];
}

interface RestStatus {
  readonly groupId?: number;
  readonly groupName?: keyof typeof MessageGeneralStatus;
  readonly id?: number;
  readonly name?: string;
  readonly description?: string;
}

/** Turns Infobip's answer into the response: one result per destination, in order. */
export function fromRest(request: SendMessagesRequest, json: unknown): SendMessagesResponse {
  const { bulkId, messages } = json as RestResponse;
  let next = 0;
  const results = request.messages.flatMap(({ kind }, messageIndex) =>
    (kind.value?.destinations ?? []).map((_, destinationIndex) => {
      const { messageId = "", destination, status } = messages[next++] ?? {};
      return {
        messageIndex,
        destinationIndex,
        messageId,
        destination,
        status: status && {
          ...status,
          groupName: MessageGeneralStatus[status.groupName ?? "UNSPECIFIED"],
        },
        outcome: status?.groupName === "REJECTED" ? SendOutcome.NOT_SENT : SendOutcome.SENT,
      };
    }),
  );
  return create(SendMessagesResponseSchema, { bulkId, results });
}
