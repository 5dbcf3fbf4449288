import { type Event, EventType } from "../../../gen/infobip/events/v1/event_pb.js";
import type { Channel } from "../../../gen/infobip/messages/v1/channel_pb.js";
import { SendOutcome, type SendResult } from "../../../gen/infobip/messages/v1/send_messages_pb.js";
import { statusGroup } from "../event-text.ts";
import type { DemoMessage } from "./demo-plan.ts";

/** What is known of one message. */
export interface MessageRecord {
  readonly message: DemoMessage;
  outcome: SendOutcome;
  /** Status group of the final report, or REJECTED when Infobip refused the message at once. */
  finalStatus: string | undefined;
  /** Channel that the final report came from. */
  finalChannel: Channel;
  isSeen: boolean;
  isAnswered: boolean;
}

/** Numbers of the funnel. */
export interface Funnel {
  readonly requested: number;
  readonly accepted: number;
  /** Of the accepted ones. */
  readonly final: number;
  readonly delivered: number;
  readonly seen: number;
  readonly answered: number;
}

/** Counts what came back, and knows what is still missing. */
export class DemoTally {
  readonly #records = new Map<string, MessageRecord>();
  readonly #eventIds = new Set<string>();
  #waiting: number;
  /** Events that came, of any kind. */
  events = 0;
  /** Events that came twice; must stay 0. */
  repeated = 0;
  /** Messages whose state is final. */
  finalCount = 0;

  constructor(messages: readonly DemoMessage[]) {
    for (const message of messages) this.#records.set(message.messageId, newRecord(message));
    this.#waiting = messages.length;
  }

  /** Whether nothing is missing any more. */
  get isComplete(): boolean {
    return this.#waiting === 0;
  }

  get records(): readonly MessageRecord[] {
    return [...this.#records.values()];
  }

  /** Takes the answer to a send. */
  addResult(result: SendResult): void {
    this.#change(result.messageId, (record) => {
      record.outcome = result.outcome;
      if (result.outcome === SendOutcome.NOT_SENT) record.finalStatus ??= "REJECTED";
    });
  }

  /** Takes an event. */
  addEvent(event: Event): void {
    this.events++;
    if (this.#eventIds.has(event.id)) this.repeated++;
    this.#eventIds.add(event.id);
    this.#change(subjectOf(event), (record) => {
      if (event.type === EventType.SEEN_REPORT) record.isSeen = true;
      if (event.type === EventType.INBOUND_MESSAGE) record.isAnswered = true;
      if (event.type !== EventType.DELIVERY_REPORT || !event.final) return;
      record.finalStatus ??= statusGroup(event);
      record.finalChannel = event.channel;
    });
  }

  /** What has not come, in words, by message id. */
  missing(): { messageId: string; what: string }[] {
    return this.records
      .filter((record) => !isSettled(record))
      .map((record) => ({ messageId: record.message.messageId, what: missingOf(record) }));
  }

  funnel(): Funnel {
    const count = (test: (record: MessageRecord) => boolean): number => this.records.filter(test).length;
    return {
      requested: this.#records.size,
      accepted: count(isAccepted),
      final: count((record) => isAccepted(record) && record.finalStatus !== undefined),
      delivered: count((record) => record.finalStatus === "DELIVERED"),
      seen: count((record) => record.isSeen),
      answered: count((record) => record.isAnswered),
    };
  }

  #change(messageId: string | undefined, change: (record: MessageRecord) => void): void {
    const record = this.#records.get(messageId ?? "");
    if (record === undefined) return;
    const before = { isSettled: isSettled(record), isFinal: record.finalStatus !== undefined };
    change(record);
    if (!before.isSettled && isSettled(record)) this.#waiting--;
    if (!before.isFinal && record.finalStatus !== undefined) this.finalCount++;
  }
}

function isAccepted(record: MessageRecord): boolean {
  return record.outcome === SendOutcome.SENT;
}

function newRecord(message: DemoMessage): MessageRecord {
  return {
    message,
    outcome: SendOutcome.UNSPECIFIED,
    finalStatus: undefined,
    finalChannel: message.channel,
    isSeen: false,
    isAnswered: false,
  };
}

/** Id of the demo's message that an event is about: an answer names the message it answers. */
function subjectOf(event: Event): string | undefined {
  return event.payload.case === "inboundMessage" ? event.payload.value.pairedMessageId : event.messageId;
}

function isSettled(record: MessageRecord): boolean {
  const { isAnswered, isSeen } = record.message;
  if (record.outcome === SendOutcome.UNSPECIFIED || record.finalStatus === undefined) return false;
  return (!isSeen || record.isSeen) && (!isAnswered || record.isAnswered);
}

function missingOf(record: MessageRecord): string {
  if (record.outcome === SendOutcome.UNSPECIFIED) return "answer to the send";
  if (record.finalStatus === undefined) return "final delivery report";
  return record.message.isSeen && !record.isSeen ? "seen report" : "answer of the recipient";
}
