import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { DurationSchema, timestampFromDate } from "@bufbuild/protobuf/wkt";
import {
  type WatchEventsRequest,
  WatchEventsRequestSchema,
} from "../../gen/infobip/events/v1/events_service_pb.js";
import { OnExpired, StartPosition } from "../../gen/infobip/events/v1/positions_pb.js";
import { type FilterOptions, filterOf } from "./filter-options.ts";

/** Flags of `watch` that go into the request. */
export interface WatchRequestOptions extends FilterOptions {
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
