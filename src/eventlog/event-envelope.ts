import { create } from "@bufbuild/protobuf";
import { type Timestamp, TimestampSchema } from "@bufbuild/protobuf/wkt";
import { type Event, EventSchema, type EventType } from "../../gen/infobip/events/v1/event_pb.js";
import { Channel } from "../../gen/infobip/messages/v1/channel_pb.js";
import type { Platform } from "../../gen/infobip/messages/v1/message_options_pb.js";
import type { EventColumns } from "./event-log.ts";
import { eventIdOf, type Fingerprint } from "./fingerprint.ts";

/**
 * Longest text that becomes a column, in UTF-16 units. What is longer is left
 * out of the columns and of the event's common fields, and stays whole in the
 * payload and the raw body.
 */
export const MAX_COLUMN_CHARS = 1_000;

/** What every kind of report has in common, as far as it came. */
export interface CommonFields {
  readonly channel?: Channel | undefined;
  readonly sender?: string | undefined;
  readonly destination?: string | undefined;
  readonly messageId?: string | undefined;
  readonly bulkId?: string | undefined;
  readonly callbackData?: string | undefined;
  readonly campaignReferenceId?: string | undefined;
  readonly platform?: Pick<Platform, "applicationId" | "entityId"> | undefined;
}

/** What the columns of an event hold beside the fields that every kind has. */
export interface EventStanding {
  readonly type: EventType;
  readonly final: boolean;
  /** How strong the status is that the event tells; 0 when it tells none. */
  readonly rank: number;
  readonly occurTime: EventParts["occurTime"];
}

/** The columns of an event. */
export function columnsOf(standing: EventStanding, fields: CommonFields): EventColumns {
  return {
    type: standing.type,
    channel: fields.channel ?? Channel.UNSPECIFIED,
    messageId: toColumn(fields.messageId),
    bulkId: toColumn(fields.bulkId),
    sender: toColumn(fields.sender),
    destination: toColumn(fields.destination),
    applicationId: toColumn(fields.platform?.applicationId),
    entityId: toColumn(fields.platform?.entityId),
    final: standing.final,
    rank: standing.rank,
    occurTimeMs: standing.occurTime === undefined ? 0 : toMilliseconds(standing.occurTime),
  };
}

function toMilliseconds({ seconds, nanos }: { readonly seconds: bigint; readonly nanos: number }): number {
  return Math.max(0, Number(seconds) * 1000 + Math.floor(nanos / 1_000_000));
}

/** Text as protobuf and the log's columns both hold it: half surrogates become U+FFFD. */
function toColumn(text: string | undefined): string {
  if (text === undefined || text.length > MAX_COLUMN_CHARS) return "";
  return text.isWellFormed() ? text : text.toWellFormed();
}

/** What an event is made of. */
export interface EventParts {
  readonly columns: EventColumns;
  readonly fingerprint: Fingerprint;
  readonly raw: Uint8Array;
  readonly fields: CommonFields;
  readonly occurTime?: { readonly seconds: bigint; readonly nanos: number } | undefined;
  readonly payload?: Event["payload"];
}

/** An event that only needs to be encoded. */
export interface EventDraft {
  readonly columns: EventColumns;
  readonly fingerprint: Fingerprint;
  readonly raw: Uint8Array;
  readonly event: Event;
}

/** Fills in the event: what the log adds when it stores one is left unset. */
export function toDraft(parts: EventParts): EventDraft {
  const { columns, fingerprint, raw } = parts;
  const event = create(EventSchema);
  event.id = eventIdOf(fingerprint, columns.messageId, raw);
  event.type = columns.type;
  event.occurTime = toTimestamp(parts.occurTime);
  event.messageId = presentOrUnset(columns.messageId);
  event.bulkId = presentOrUnset(columns.bulkId);
  event.channel = columns.channel;
  event.sender = presentOrUnset(columns.sender);
  event.destination = presentOrUnset(columns.destination);
  event.applicationId = presentOrUnset(columns.applicationId);
  event.entityId = presentOrUnset(columns.entityId);
  event.callbackData = parts.fields.callbackData;
  event.campaignReferenceId = parts.fields.campaignReferenceId;
  event.final = columns.final;
  event.payload = parts.payload ?? { case: undefined };
  return { columns, fingerprint, raw, event };
}

function presentOrUnset(text: string): string | undefined {
  return text === "" ? undefined : text;
}

function toTimestamp(time: EventParts["occurTime"]): Timestamp | undefined {
  if (time === undefined) return undefined;
  const timestamp = create(TimestampSchema);
  timestamp.seconds = time.seconds;
  timestamp.nanos = time.nanos;
  return timestamp;
}
