import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { DurationSchema, timestampFromDate } from "@bufbuild/protobuf/wkt";
import { type EventFilter, EventFilterSchema } from "../../gen/infobip/events/v1/event_filter_pb.js";
import { EventTypeSchema } from "../../gen/infobip/events/v1/event_pb.js";
import {
  OnExpired,
  StartPosition,
  type WatchEventsRequest,
  WatchEventsRequestSchema,
} from "../../gen/infobip/events/v1/events_service_pb.js";
import { ChannelSchema } from "../../gen/infobip/messages/v1/channel_pb.js";
import { enumNumber } from "./enum-names.ts";

/** Flags of `watch` that go into the request. */
export interface WatchRequestOptions {
  readonly type?: readonly string[];
  readonly channel?: readonly string[];
  readonly messageId?: readonly string[];
  readonly bulkId?: readonly string[];
  readonly sender?: readonly string[];
  readonly destination?: readonly string[];
  readonly applicationId?: readonly string[];
  readonly entityId?: readonly string[];
  readonly finalOnly?: boolean;
  readonly raw?: boolean;
  readonly resumeExpired?: boolean;
  readonly untilHead?: boolean;
}

/** Where a watch begins, as the request takes it. */
export type WatchFrom = NonNullable<MessageInitShape<typeof WatchEventsRequestSchema>["from"]>;

/** Looks like an RFC 3339 time or date. */
const TIME = /^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?$/i;

/** Reads `--from`: earliest, latest, a time, or else a cursor. */
export function parseFrom(text: string): WatchFrom {
  if (text === "earliest") return { case: "start", value: StartPosition.EARLIEST };
  if (text === "latest") return { case: "start", value: StartPosition.LATEST };
  const time = TIME.test(text) ? new Date(text) : undefined;
  if (time !== undefined && !Number.isNaN(time.getTime()))
    return { case: "startTime", value: timestampFromDate(time) };
  return { case: "cursor", value: text };
}

/** The request for a watch from some position. */
export function watchRequest(options: WatchRequestOptions, from: WatchFrom): WatchEventsRequest {
  return create(WatchEventsRequestSchema, {
    from,
    filter: filterOf(options),
    includeRawBody: options.raw,
    onExpired: options.resumeExpired ? OnExpired.RESUME : OnExpired.FAIL,
    // With --until-head only a progress frame tells that a filter has nothing more to pass.
    progressInterval: options.untilHead ? create(DurationSchema, { seconds: 1n }) : undefined,
  });
}

function filterOf(options: WatchRequestOptions): EventFilter {
  return create(EventFilterSchema, {
    types: options.type?.map((name) => enumNumber(EventTypeSchema, name)),
    channels: options.channel?.map((name) => enumNumber(ChannelSchema, name)),
    messageIds: options.messageId && [...options.messageId],
    bulkIds: options.bulkId && [...options.bulkId],
    senders: options.sender && [...options.sender],
    destinations: options.destination && [...options.destination],
    applicationIds: options.applicationId && [...options.applicationId],
    entityIds: options.entityId && [...options.entityId],
    finalOnly: options.finalOnly,
  });
}
