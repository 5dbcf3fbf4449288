import { Channel, ChannelSchema } from "../../gen/infobip/messages/v1/channel_pb.js";
import { MAX_COLUMN_CHARS } from "../eventlog/event-envelope.ts";
import type { EventColumns } from "../eventlog/event-log.ts";
import {
  eventIdOf,
  type Fingerprint,
  fingerprintBytes,
  fingerprintOf,
  isRepairedId,
} from "../eventlog/fingerprint.ts";
import { usualDateTimeMs } from "../infobip/codec/date-time.ts";
import { enumNames } from "../infobip/codec/enum-names.ts";
import { isParsedObject, transcode } from "../infobip/codec/transcode.ts";
import type { TranscodeWriter } from "../infobip/codec/transcode-writer.ts";
import { isFinalStatus } from "../infobip/finality.ts";
import type { ReportItem } from "../infobip/reports/report-item.ts";
import { rankOf } from "./event-builder.ts";
import { writeEnvelope } from "./fast-envelope.ts";
import { type FastKind, fastKindOf } from "./fast-kinds.ts";
import { reportKindOf, type WebhookRoute } from "./report-kind.ts";
import { KIND_PLANS } from "./report-payload.ts";

/** An event that was written, but for its bytes. */
export interface FastEvent {
  readonly columns: EventColumns;
  readonly fingerprint: Uint8Array;
}

type Json = Readonly<Record<string, unknown>>;

/** The status and error that a delivery report tells. */
interface Outcome {
  readonly groupId: number | undefined;
  readonly id: number | undefined;
  readonly statusGroup: number | string | undefined;
  readonly status: number | string | undefined;
  readonly error: number | string | undefined;
}

const NO_OUTCOME: Outcome = {
  groupId: undefined,
  id: undefined,
  statusGroup: undefined,
  status: undefined,
  error: undefined,
};
const CHANNELS = enumNames(ChannelSchema).numbers;
/** Bytes kept free for the length of the payload: it mostly has 128 bytes or more. */
const PAYLOAD_LENGTH_BYTES = 2;

/**
 * Writes the event of an item straight from its JSON, the same event that
 * draftEvent makes. Undefined, and nothing is written, for an item that only
 * draftEvent can read: of another kind, with a value that is not of its type,
 * a date in an unusual spelling, half surrogates, or about no message.
 */
export function writeFastEvent(
  writer: TranscodeWriter,
  item: ReportItem,
  route: WebhookRoute,
): FastEvent | undefined {
  const json = item.isOpaque === true ? undefined : item.value;
  if (!isParsedObject(json)) return undefined;
  const kind = fastKindOf(reportKindOf(json.event, route));
  const timeText = textOf(kind?.kind === "SEEN" ? json.seenAt : json.doneAt);
  const timeMs = timeText === "" ? undefined : usualDateTimeMs(timeText);
  // Not a number for an unusual spelling; before 1970 the bytes of a Timestamp have another form.
  const isTimeRead = timeMs === undefined || timeMs >= 0;
  if (!kind || !isTimeRead || !isAboutMessage(kind, json)) return undefined;
  const outcome = kind.kind === "DELIVERY" ? outcomeOf(json) : NO_OUTCOME;
  const columns = columnsOf(kind, json, outcome, timeMs);
  const fingerprint = newsFingerprint(kind, json, outcome, columns.messageId, timeMs, item.raw);
  const start = writer.position;
  writeEnvelope(writer, {
    id: eventIdOf(fingerprint, columns.messageId, item.raw),
    columns,
    occurTimeMs: timeMs,
    callbackData: optionalText(json.callbackData),
    campaignReferenceId: optionalText(json.campaignReferenceId),
  });
  if (!writePayload(writer, kind, json)) {
    writer.truncate(start);
    return undefined;
  }
  return { columns, fingerprint: fingerprintBytes(fingerprint) };
}

/** False for values of wrong types wherever they are: so nothing else needs to look for those. */
function writePayload(writer: TranscodeWriter, kind: FastKind, json: Json): boolean {
  const start = writer.open(kind.payloadTag, PAYLOAD_LENGTH_BYTES);
  if (!transcode(kind.plan, json, writer)) return false;
  writer.close(start, PAYLOAD_LENGTH_BYTES);
  return true;
}

function isAboutMessage(kind: FastKind, json: Json): boolean {
  if (textOf(json.messageId) !== "" || textOf(json.destination) !== "") return true;
  return kind.kind === "DELIVERY" && isParsedObject(json.status);
}

function outcomeOf(json: Json): Outcome {
  const status = isParsedObject(json.status) ? json.status : undefined;
  const error = isParsedObject(json.error) ? json.error : undefined;
  const groupId = optionalNumber(status?.groupId);
  const id = optionalNumber(status?.id);
  return {
    groupId,
    id,
    statusGroup: groupId ?? optionalText(status?.groupName),
    status: id ?? optionalText(status?.name),
    error: optionalNumber(error?.id) ?? optionalText(error?.name),
  };
}

function columnsOf(kind: FastKind, json: Json, outcome: Outcome, timeMs: number | undefined): EventColumns {
  const platform = isParsedObject(json.platform) ? json.platform : undefined;
  return {
    type: KIND_PLANS[kind.kind].type,
    channel: CHANNELS.get(textOf(json.channel)) ?? Channel.UNSPECIFIED,
    messageId: columnText(json.messageId),
    bulkId: columnText(json.bulkId),
    sender: columnText(json.sender),
    destination: columnText(json.destination),
    applicationId: columnText(platform?.applicationId),
    entityId: columnText(platform?.entityId),
    final: isFinalStatus(outcome.groupId, outcome.id),
    rank: rankOf(kind.kind, outcome),
    occurTimeMs: timeMs ?? 0,
  };
}

function newsFingerprint(
  kind: FastKind,
  json: Json,
  outcome: Outcome,
  messageId: string,
  timeMs: number | undefined,
  raw: Uint8Array,
): Fingerprint {
  const news = {
    kind: kind.kind,
    channel: textOf(json.channel),
    statusGroup: outcome.statusGroup,
    status: outcome.status,
    error: outcome.error,
    time: timeMs === undefined ? "" : toNewsTime(timeMs),
    messageId,
    isIdRepaired: isRepairedId(json.messageId),
  };
  return fingerprintOf(news, raw);
}

/** Seconds and nanoseconds, as the fingerprints of stored events have them. */
function toNewsTime(timeMs: number): string {
  const seconds = Math.floor(timeMs / 1000);
  return `${seconds}.${(timeMs - seconds * 1000) * 1_000_000}`;
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function optionalText(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function optionalNumber(value: unknown): number | undefined {
  return typeof value === "number" ? value : undefined;
}

function columnText(value: unknown): string {
  return typeof value === "string" && value.length <= MAX_COLUMN_CHARS ? value : "";
}
