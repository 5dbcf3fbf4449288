import type { MessageInitShape } from "@bufbuild/protobuf";
import type { EventFilterSchema } from "../../gen/infobip/events/v1/event_filter_pb.js";
import type { Reconnect } from "./client-options.ts";

/** Where a watch begins: at one end of the log, after a cursor, or at the first event stored at a time or later. */
export type WatchFrom = "earliest" | "latest" | { readonly cursor: string } | { readonly time: Date };

/** Events that retention removed before they were delivered. */
export interface EventGap {
  readonly fromCursor: string;
  readonly toCursor: string;
}

/** Options of `watchEvents`. */
export interface WatchOptions {
  /** Default `latest`. */
  readonly from?: WatchFrom;
  /** Which events; default all. */
  readonly filter?: MessageInitShape<typeof EventFilterSchema>;
  /** With each event the webhook item as Infobip sent it. */
  readonly includeRawBody?: boolean;
  /** Ends the watch, without an error. */
  readonly signal?: AbortSignal;
  /**
   * Told, after each frame, of the position up to which everything was handled; store it, and go on from it. An event
   * counts as handled when the next one is asked for. Awaited; what it throws ends the watch.
   */
  readonly onCursor?: (cursor: string) => unknown;
  /**
   * Set: a cursor that is too old is no error; it is told of the gap, and the watch goes on with the earliest event
   * kept. Not set: the watch then fails with CURSOR_EXPIRED. Awaited.
   */
  readonly onGap?: (gap: EventGap) => unknown;
  /** Told before each wait for another stream. Must not throw. */
  readonly onReconnect?: (reconnect: Reconnect) => void;
  /** How often the service shows that it is alive, in milliseconds, 1,000 to 60,000. Default 10,000. */
  readonly progressIntervalMs?: number;
}
