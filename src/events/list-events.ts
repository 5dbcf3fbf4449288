import { create } from "@bufbuild/protobuf";
import type { Timestamp } from "@bufbuild/protobuf/wkt";
import type { EventsService } from "../../gen/infobip/events/v1/events_service_pb.js";
import {
  type ListEventsRequest,
  ListEventsRequestSchema,
  ListEventsResponseSchema,
} from "../../gen/infobip/events/v1/history_pb.js";
import { encodeCursor, findCursor } from "../eventlog/cursor.ts";
import type { EventLog } from "../eventlog/event-log.ts";
import { compileFilter } from "../eventlog/filter.ts";
import { orCallEnded } from "../rpc/call-ended.ts";
import type { UnaryImplementation } from "../rpc/service-implementation.ts";
import { EventPage } from "./event-page.ts";
import { type HistoryOptions, type HistoryRead, isExpired, PIECE } from "./history-reads.ts";
import { resolvePosition, toMilliseconds } from "./log-position.ts";
import { MAX_MERGED_MESSAGES, mergeMessages } from "./merge-messages.ts";
import { argumentsDigest, decodePageToken, encodePageToken, PageKind } from "./page-token.ts";
import { scanEvents } from "./scan-events.ts";

/** How often a list that names no cursor begins anew because retention has overtaken it. */
const MAX_RESTARTS = 3;

type ListEvents = UnaryImplementation<(typeof EventsService)["method"]["listEvents"]>;

/** Makes the implementation of EventsService.ListEvents. Fails with ServiceError only. */
export function createListEvents(options: HistoryOptions): ListEvents {
  const { log } = options;
  return async (request, { signal }) => {
    const digest = argumentsDigest(ListEventsRequestSchema, request);
    const matches = compileFilter(request.filter);
    const start = await orCallEnded(startOf(log, request, digest), signal);
    const end = await orCallEnded(endOf(log, request.endTime), signal);
    const first = {
      ...options,
      position: start.position,
      end,
      page: new EventPage(request.pageSize),
      matches,
      includeRaw: request.includeRawBody ?? false,
      signal,
    };
    const { page, position } = await fillPage(first, request, start.isClients);
    const cursor = encodeCursor(log.id, position);
    return create(ListEventsResponseSchema, {
      events: page.events,
      nextPageToken: position < end ? encodePageToken(PageKind.EVENTS, cursor, digest) : "",
      cursor,
    });
  };
}

/** A page and the position it reaches. */
interface Filled {
  readonly page: EventPage;
  readonly position: number;
}

/** Where a page begins. */
interface PageStart {
  readonly position: number;
  /** Whether a cursor or token of the client says so: it must then be told when events after it are gone. */
  readonly isClients: boolean;
}

async function startOf(log: EventLog, request: ListEventsRequest, digest: Uint8Array): Promise<PageStart> {
  const { from, pageToken } = request;
  if (pageToken !== "") {
    const cursor = decodePageToken(PageKind.EVENTS, pageToken, digest);
    return { position: await findCursor(cursor, log), isClients: true };
  }
  if (from.case === undefined) return { position: log.bounds().earliest, isClients: false };
  return { position: await resolvePosition(log, from), isClients: from.case === "cursor" };
}

async function endOf(log: EventLog, endTime: Timestamp | undefined): Promise<number> {
  const { head } = log.bounds();
  return endTime === undefined ? head : Math.min(head, await log.positionAtTime(toMilliseconds(endTime)));
}

/** A list that a client continues fails when retention has overtaken it; one that begins goes on with what is left. */
async function fillPage(first: HistoryRead, request: ListEventsRequest, isClients: boolean): Promise<Filled> {
  let read = first;
  for (let restarts = 0; ; restarts++) {
    try {
      return { page: read.page, position: await readPage(read, new Set(request.filter?.messageIds)) };
    } catch (error) {
      if (isClients || restarts === MAX_RESTARTS || !isExpired(error)) throw error;
      const position = Math.max(read.position, read.log.bounds().earliest);
      read = { ...read, position, page: new EventPage(request.pageSize) };
    }
  }
}

function readPage(read: HistoryRead, messageIds: ReadonlySet<string>): Promise<number> {
  const isFew = messageIds.size > 0 && messageIds.size <= MAX_MERGED_MESSAGES;
  // What one piece covers is cheaper to scan than to look up.
  return isFew && read.end - read.position > PIECE ? mergeMessages(read, messageIds) : scanEvents(read);
}
