import { EventType } from "../../gen/infobip/events/v1/event_pb.js";
import type { SendMessagesRequest } from "../../gen/infobip/messages/v1/send_messages_pb.js";
import { encodeEvent } from "../eventlog/event-encoding.ts";
import { type CommonFields, columnsOf } from "../eventlog/event-envelope.ts";
import type { EventColumns, NewEvent } from "../eventlog/event-log.ts";
import { eventIdOf, fingerprintBytes, shortHash } from "../eventlog/fingerprint.ts";
import { writeVarint } from "../eventlog/protobuf-wire.ts";
import type { SubmissionRecord } from "../eventlog/submission-store.ts";
import { submissionName } from "./submission-names.ts";

/** Field number of Event.submission. */
const SUBMISSION_FIELD = 27;
const NO_BYTES = new Uint8Array(0);

// Field numbers of infobip.events.v1.SubmissionChange.
const NAME_TAG = (1 << 3) | 2;
const STATE_TAG = (2 << 3) | 0;
const ATTEMPTS_TAG = (3 << 3) | 0;
const ERROR_REASON_TAG = (4 << 3) | 2;
/** Room for tags, lengths and numbers. */
const FIXED_BYTES = 40;

/** What the events of one submission have in common. */
export interface SubmissionFace {
  readonly columns: EventColumns;
  readonly callbackData: string | undefined;
  readonly campaignReferenceId: string | undefined;
  /** Of the submitting call. */
  readonly traceParent: string | undefined;
}

const STANDING = { type: EventType.SUBMISSION, final: false, rank: 0, occurTime: undefined };

/** Of the message where the submission has a single destination; otherwise only the type is set. */
export function faceOf(
  request: SendMessagesRequest | undefined,
  messageIds: readonly string[],
  traceParent?: string,
): SubmissionFace {
  const fields = messageIds.length === 1 && request !== undefined ? fieldsOf(request, messageIds[0]) : {};
  return {
    columns: columnsOf(STANDING, fields),
    callbackData: fields.callbackData,
    campaignReferenceId: fields.campaignReferenceId,
    traceParent,
  };
}

function fieldsOf({ messages }: SendMessagesRequest, messageId: string | undefined): CommonFields {
  const message = messages.find(({ kind }) => kind.value?.destinations.length)?.kind.value;
  const destination = message?.destinations[0]?.kind;
  const address =
    destination?.case === "toDestination"
      ? destination.value.to
      : destination?.value?.byChannel.find(({ channel }) => channel === message?.channel)?.to;
  return {
    messageId,
    channel: message?.channel,
    sender: message?.sender,
    destination: address,
    platform: message?.options?.platform,
    callbackData: message?.webhooks?.callbackData,
    campaignReferenceId: message?.options?.campaignReferenceId,
  };
}

/**
 * The event of a change that led to this record, at its update time. A state is
 * entered at most once for each number of attempts, so the log keeps one event
 * for each change, however often its commit is repeated.
 */
export function submissionEvent(
  record: SubmissionRecord,
  face: SubmissionFace,
  errorReason: string | undefined,
): NewEvent {
  const { id, state, attempts, createTimeMs, updateTimeMs } = record;
  const fingerprint = shortHash(JSON.stringify(["SUBMISSION", id, state, attempts, createTimeMs]));
  const columns = { ...face.columns, occurTimeMs: updateTimeMs };
  const encoded = encodeEvent({
    id: eventIdOf(fingerprint, columns.messageId, NO_BYTES),
    columns,
    callbackData: face.callbackData,
    campaignReferenceId: face.campaignReferenceId,
    traceParent: face.traceParent,
    payloadField: SUBMISSION_FIELD,
    payload: encodeChange(record, errorReason),
  });
  return { columns, fingerprint: fingerprintBytes(fingerprint), encoded, raw: NO_BYTES };
}

/** Binary SubmissionChange. Names and reasons are ASCII. */
function encodeChange(
  { id, state, attempts }: SubmissionRecord,
  errorReason: string | undefined,
): Uint8Array {
  const name = submissionName(id);
  const target = Buffer.allocUnsafe(FIXED_BYTES + name.length + (errorReason?.length ?? 0));
  let at = writeText(target, 0, NAME_TAG, name);
  at = writeVarint(target, writeVarint(target, at, STATE_TAG), state);
  if (attempts > 0) at = writeVarint(target, writeVarint(target, at, ATTEMPTS_TAG), attempts);
  if (errorReason !== undefined) at = writeText(target, at, ERROR_REASON_TAG, errorReason);
  return target.subarray(0, at);
}

function writeText(target: Buffer, offset: number, tag: number, text: string): number {
  const at = writeVarint(target, writeVarint(target, offset, tag), text.length);
  return at + target.write(text, at, "latin1");
}
