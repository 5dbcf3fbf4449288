import type { MessagesService } from "../../gen/infobip/messages/v1/messages_service_pb.js";
import type { ServiceImplementation } from "../rpc/service-implementation.ts";
import type { MessagesContext } from "./messages-context.ts";
import { createSendEvents } from "./send-events.ts";
import { createSendMessages } from "./send-messages.ts";
import { createValidateMessages } from "./validate-messages.ts";

type Methods = ServiceImplementation<typeof MessagesService>;

/** Methods of MessagesService that have owners of their own: the stream and the outbox. */
export type MessagesParts = Omit<Methods, "sendMessages" | "validateMessages" | "sendEvents">;

/** Implements infobip.messages.v1.MessagesService. */
export function createMessagesService(context: MessagesContext, parts: MessagesParts): Methods {
  return {
    ...parts,
    sendMessages: createSendMessages(context),
    validateMessages: createValidateMessages(context),
    sendEvents: createSendEvents(context),
  };
}
