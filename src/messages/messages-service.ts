import type { MessagesService } from "../../gen/infobip/messages/v1/messages_service_pb.js";
import type { ServiceImplementation } from "../rpc/service-implementation.ts";
import { createSendEvents } from "./send-events.ts";
import { createSendMessages, type MessagesContext } from "./send-messages.ts";
import { createValidateMessages } from "./validate-messages.ts";

/** Implements infobip.messages.v1.MessagesService. */
export function createMessagesService(
  context: MessagesContext,
): ServiceImplementation<typeof MessagesService> {
  return {
    sendMessages: createSendMessages(context),
    validateMessages: createValidateMessages(context),
    sendEvents: createSendEvents(context),
  };
}
