import { EventType } from "../../gen/infobip/events/v1/event_pb.js";
import type { MessageDestination } from "../../gen/infobip/messages/v1/destination_pb.js";
import type { Message, TemplateMessage } from "../../gen/infobip/messages/v1/message_pb.js";
import {
  type SendMessagesRequest,
  SendOutcome,
  type SendResult,
} from "../../gen/infobip/messages/v1/send_messages_pb.js";
import { encodeEvent } from "../eventlog/event-encoding.ts";
import { columnsOf } from "../eventlog/event-envelope.ts";
import type { EventColumns, NewEvent } from "../eventlog/event-log.ts";
import {
  eventIdOf,
  type Fingerprint,
  fingerprintBytes,
  isRepairedId,
  shortHash,
} from "../eventlog/fingerprint.ts";
import { StatusRank, sendResultRank } from "../infobip/status-rank.ts";
import type { TraceContext } from "../rpc/trace-context.ts";
import { messageOf } from "./message-of.ts";
import type { SendAnswerEncoder } from "./send-answer-encoder.ts";

/** Field number of Event.send_result. */
const SEND_RESULT_FIELD = 25;
const NO_BYTES = new Uint8Array(0);

/** A call of SendMessages for which something is known of its messages. */
export interface SentCall {
  /** As it left: with defaults and message ids filled in. */
  readonly request: SendMessagesRequest;
  readonly bulkId: string | undefined;
  /** One for each destination. */
  readonly results: readonly SendResult[];
  /** Machine reason of the error that the call ended with; undefined when Infobip answered. */
  readonly errorReason?: string;
  /** Where the call stands in a trace. */
  readonly trace?: TraceContext | undefined;
}

/** Makes the event of one result; `timeMs` is when the answer came, in Unix milliseconds. */
export function sendResultEvent(
  call: SentCall,
  result: SendResult,
  timeMs: number,
  answers: SendAnswerEncoder,
): NewEvent {
  const base = call.request.messages[result.messageIndex];
  const message = base && messageOf(base);
  const columns = columnsOfResult(call, result, message, timeMs);
  const fingerprint = fingerprintOfResult(call, result, columns);
  const encoded = encodeEvent({
    id: eventIdOf(fingerprint, columns.messageId, NO_BYTES),
    columns,
    callbackData: message?.webhooks?.callbackData,
    campaignReferenceId: message?.options?.campaignReferenceId,
    traceParent: call.trace?.traceparent,
    payloadField: SEND_RESULT_FIELD,
    payload: answers.encode(result, call.errorReason),
  });
  return { columns, fingerprint: fingerprintBytes(fingerprint), encoded, raw: NO_BYTES };
}

function columnsOfResult(
  call: SentCall,
  result: SendResult,
  message: Message | TemplateMessage | undefined,
  timeMs: number,
): EventColumns {
  const { status, outcome } = result;
  const rank = sendResultRank(outcome, status?.groupId, status?.id);
  const final = outcome === SendOutcome.NOT_SENT && rank === StatusRank.FAILED;
  const standing = { type: EventType.SEND_RESULT, final, rank, occurTime: undefined };
  const fields = {
    channel: message?.channel,
    sender: message?.sender,
    destination: destinationOf(result, message),
    messageId: result.messageId,
    bulkId: call.bulkId,
    platform: message?.options?.platform,
  };
  return { ...columnsOf(standing, fields), occurTimeMs: timeMs };
}

/** Who a result is about: as Infobip says, or else the destination's address on the message's own channel. */
export function destinationOf(
  result: SendResult,
  message: Message | TemplateMessage | undefined,
): string | undefined {
  return result.destination ?? addressOf(message, result.destinationIndex);
}

function addressOf(message: Message | TemplateMessage | undefined, index: number): string | undefined {
  const kind: MessageDestination["kind"] | undefined = message?.destinations[index]?.kind;
  if (kind?.case === "toDestination") return kind.value.to;
  return kind?.value?.byChannel.find(({ channel }) => channel === message?.channel)?.to;
}

/** With the message id, unique for each answer to each send. */
function fingerprintOfResult(call: SentCall, result: SendResult, columns: EventColumns): Fingerprint {
  const { status, outcome, messageId, messageIndex, destinationIndex } = result;
  const parts: (string | number)[] = [
    "SEND_RESULT",
    columns.channel,
    status?.groupId ?? status?.unrecognizedGroupName ?? "",
    status?.id ?? status?.name ?? "",
    call.errorReason ?? outcome,
    call.bulkId ?? "",
    columns.occurTimeMs,
  ];
  // Such an id does not tell the messages of a call apart.
  if (columns.messageId === "" || isRepairedId(messageId)) parts.push(messageIndex, destinationIndex);
  return shortHash(JSON.stringify(parts));
}
