import { EventType } from "../gen/infobip/events/v1/event_pb.js";
import { Channel } from "../gen/infobip/messages/v1/channel_pb.js";
import { SendOutcome } from "../gen/infobip/messages/v1/send_messages_pb.js";
import type { DestinationNames } from "./destination-names.ts";
import type { AppendResult, EventLog, NewEvent } from "./eventlog/event-log.ts";
import { StatusRank } from "./infobip/status-rank.ts";
import type { Logger } from "./log.ts";
import { messageOf } from "./messages/message-of.ts";
import type { SendOrigin } from "./messages/send-call.ts";
import { destinationOf, type SentCall } from "./messages/send-result-event.ts";

/** What happens to single messages, for a log line each. None of these throws. */
export interface MessageEvents {
  /** It is known what became of the messages of a call. */
  readonly sendEnded: (call: SentCall, origin: SendOrigin) => void;
  /** Events that came from Infobip were stored. */
  readonly eventsStored: (events: readonly NewEvent[], result: AppendResult) => void;
}

/** Sentence for each outcome of a send. */
const SENTENCES: Readonly<Record<SendOutcome, string>> = {
  [SendOutcome.UNSPECIFIED]: "message outcome unknown",
  [SendOutcome.SENT]: "message sent",
  [SendOutcome.NOT_SENT]: "message not sent",
  [SendOutcome.UNKNOWN]: "message outcome unknown",
};

/** Names of the ranks of status, by number. */
const RANKS: ReadonlyMap<number, string> = new Map(
  Object.entries(StatusRank).map(([name, rank]) => [rank, name]),
);
/** Names of statuses that Infobip documents are of this form; nothing else of its text is logged. */
const STATUS_NAME = /^[A-Z][A-Z_]{1,63}$/;
/** Where the trace id stands in a traceparent. */
const TRACE_ID = { from: 3, to: 35 } as const;

/**
 * Writes one line for each message that was sent or not, and for each event
 * that was stored. People are told apart by the names of their addresses; of
 * a message nothing is written but its id.
 */
export function logMessages(log: Logger, names: DestinationNames): MessageEvents {
  const messages = log.child({ component: "messages" });
  const intake = log.child({ component: "intake" });
  return {
    sendEnded: (call, origin) => {
      for (const result of call.results) logResult(messages, names, call, result, origin);
    },
    eventsStored: (events, { appended }) => {
      // Which ones of a batch were repeats is not known; when all were, nothing has happened.
      if (appended === 0) return;
      for (const event of events) logEvent(intake, names, event);
    },
  };
}

/** Events that are logged nowhere. */
export const NO_MESSAGE_EVENTS: MessageEvents = { sendEnded: () => undefined, eventsStored: () => undefined };

/** A log whose appends are told. */
export function tellingAppends<L extends Pick<EventLog, "append">>(
  log: L,
  { eventsStored }: MessageEvents,
): Pick<EventLog, "append"> {
  return {
    async append(events) {
      const result = await log.append(events);
      eventsStored(events, result);
      return result;
    },
  };
}

function logResult(
  log: Logger,
  names: DestinationNames,
  call: SentCall,
  result: SentCall["results"][number],
  { caller, trace }: SendOrigin,
): void {
  const base = call.request.messages[result.messageIndex];
  const message = base && messageOf(base);
  log.event(SENTENCES[result.outcome] ?? SENTENCES[SendOutcome.UNKNOWN], {
    messageId: result.messageId,
    bulkId: call.bulkId,
    channel: message && Channel[message.channel],
    destination: names.of(destinationOf(result, message)),
    caller,
    reason: call.errorReason,
    outcome: statusName(result.status?.name),
    traceId: trace?.traceparent.slice(TRACE_ID.from, TRACE_ID.to),
  });
}

function logEvent(log: Logger, names: DestinationNames, { columns }: NewEvent): void {
  log.event("event stored", {
    eventType: EventType[columns.type],
    messageId: columns.messageId,
    bulkId: columns.bulkId === "" ? undefined : columns.bulkId,
    channel: Channel[columns.channel],
    destination: names.of(columns.destination),
    outcome: columns.rank === StatusRank.NONE ? undefined : RANKS.get(columns.rank),
  });
}

function statusName(name: string | undefined): string | undefined {
  return name !== undefined && STATUS_NAME.test(name) ? name : undefined;
}
