import type { InfobipClient } from "../infobip/infobip-client.ts";
import type { SendQueue } from "../infobip/sending/send-queue.ts";
import type { NewMessageId } from "./destination-slots.ts";
import type { RequestDefaults } from "./request-defaults.ts";
import type { SendCall } from "./send-call.ts";

/** What the unary methods of MessagesService that send and check work with. */
export interface MessagesContext {
  /** The way of every message to Infobip. */
  readonly send: SendCall;
  /** The way of events to Infobip. */
  readonly queue: Pick<SendQueue, "send">;
  /** Asked by ValidateMessages. */
  readonly client: Pick<InfobipClient, "validateMessages">;
  readonly defaults: RequestDefaults;
  /** Ids for events whose caller gave none. */
  readonly newMessageId: NewMessageId;
}
