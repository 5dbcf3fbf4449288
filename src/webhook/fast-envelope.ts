import { EventSchema } from "../../gen/infobip/events/v1/event_pb.js";
import type { EventColumns } from "../eventlog/event-log.ts";
import type { TranscodeWriter } from "../infobip/codec/transcode-writer.ts";

/** What stands before the payload in an event. */
export interface FastEnvelope {
  readonly id: string;
  readonly columns: EventColumns;
  /** Unix milliseconds, not negative; undefined without one. */
  readonly occurTimeMs: number | undefined;
  readonly callbackData: string | undefined;
  readonly campaignReferenceId: string | undefined;
}

const VARINT = 0;
const LENGTH_DELIMITED = 2;
const fields = EventSchema.field;
const ID = textTag(fields.id);
const TYPE = varintTag(fields.type);
const OCCUR_TIME = textTag(fields.occurTime);
const MESSAGE_ID = textTag(fields.messageId);
const BULK_ID = textTag(fields.bulkId);
const CHANNEL = varintTag(fields.channel);
const SENDER = textTag(fields.sender);
const DESTINATION = textTag(fields.destination);
const APPLICATION_ID = textTag(fields.applicationId);
const ENTITY_ID = textTag(fields.entityId);
const CALLBACK_DATA = textTag(fields.callbackData);
const CAMPAIGN_REFERENCE_ID = textTag(fields.campaignReferenceId);
const FINAL = varintTag(fields.final);

// Fields of google.protobuf.Timestamp.
const SECONDS = 1 * 8 + VARINT;
const NANOS = 2 * 8 + VARINT;
const TIMESTAMP_LENGTH_BYTES = 1;

/**
 * Writes the fields of an event up to its payload, as toDraft sets them. The
 * texts must hold no half surrogates.
 */
export function writeEnvelope(writer: TranscodeWriter, envelope: FastEnvelope): void {
  const { columns, callbackData, campaignReferenceId } = envelope;
  writer.string(ID, envelope.id);
  writer.int32(TYPE, columns.type);
  if (envelope.occurTimeMs !== undefined) writeOccurTime(writer, envelope.occurTimeMs);
  writePresent(writer, MESSAGE_ID, columns.messageId);
  writePresent(writer, BULK_ID, columns.bulkId);
  if (columns.channel !== 0) writer.int32(CHANNEL, columns.channel);
  writePresent(writer, SENDER, columns.sender);
  writePresent(writer, DESTINATION, columns.destination);
  writePresent(writer, APPLICATION_ID, columns.applicationId);
  writePresent(writer, ENTITY_ID, columns.entityId);
  if (callbackData !== undefined) writer.string(CALLBACK_DATA, callbackData);
  if (campaignReferenceId !== undefined) writer.string(CAMPAIGN_REFERENCE_ID, campaignReferenceId);
  if (columns.final) writer.bool(FINAL, true);
}

function writePresent(writer: TranscodeWriter, tag: number, text: string): void {
  if (text !== "") writer.string(tag, text);
}

function writeOccurTime(writer: TranscodeWriter, timeMs: number): void {
  const start = writer.open(OCCUR_TIME, TIMESTAMP_LENGTH_BYTES);
  const seconds = Math.floor(timeMs / 1000);
  const nanos = (timeMs - seconds * 1000) * 1_000_000;
  if (seconds !== 0) writer.int64(SECONDS, seconds);
  if (nanos !== 0) writer.int32(NANOS, nanos);
  writer.close(start, TIMESTAMP_LENGTH_BYTES);
}

function textTag(field: { readonly number: number }): number {
  return field.number * 8 + LENGTH_DELIMITED;
}

function varintTag(field: { readonly number: number }): number {
  return field.number * 8 + VARINT;
}
