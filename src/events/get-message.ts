import { create, fromBinary, type MessageInitShape } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { EventSchema } from "../../gen/infobip/events/v1/event_pb.js";
import type { EventsService } from "../../gen/infobip/events/v1/events_service_pb.js";
import {
  type GetMessageRequest,
  GetMessageRequestSchema,
  GetMessageResponseSchema,
} from "../../gen/infobip/events/v1/history_pb.js";
import { ServiceError } from "../errors.ts";
import { decodeCursor, encodeCursor } from "../eventlog/cursor.ts";
import type { EventLog, EventRecord } from "../eventlog/event-log.ts";
import { StatusRank } from "../infobip/status-rank.ts";
import { callEnded, orCallEnded } from "../rpc/call-ended.ts";
import type { UnaryImplementation } from "../rpc/service-implementation.ts";
import { EventPage } from "./event-page.ts";
import { type HistoryOptions, type HistoryRead, PIECE, readOptions, takeRecords } from "./history-reads.ts";
import { messageStateOf } from "./message-state.ts";
import {
  argumentsDigest,
  decodePageToken,
  encodePageToken,
  PageKind,
  pageTokenInvalid,
} from "./page-token.ts";

type GetMessage = UnaryImplementation<(typeof EventsService)["method"]["getMessage"]>;

/** Makes the implementation of EventsService.GetMessage. Fails with ServiceError only. */
export function createGetMessage(options: HistoryOptions): GetMessage {
  const { log } = options;
  return async (request, { signal }) => {
    const { messageId } = request;
    const digest = argumentsDigest(GetMessageRequestSchema, request);
    const read: HistoryRead = {
      ...options,
      position: afterOf(log, request, digest),
      end: log.bounds().head,
      page: new EventPage(request.pageSize),
      matches: undefined,
      includeRaw: request.includeRawBody ?? false,
      signal,
    };
    const next = await readTimeline(read, messageId);
    const status = await orCallEnded(log.statusOf(messageId), signal);
    if (status === undefined && read.page.events.length === 0) await requireKnown(read, messageId);
    return create(GetMessageResponseSchema, {
      messageId,
      ...statusFields(status && (await asWanted(read, status, messageId))),
      timeline: read.page.events,
      nextPageToken:
        next === undefined ? "" : encodePageToken(PageKind.MESSAGE, encodeCursor(log.id, next), digest),
    });
  };
}

function afterOf(log: EventLog, request: GetMessageRequest, digest: Uint8Array): number {
  if (request.pageToken === "") return 0;
  const cursor = decodeCursor(decodePageToken(PageKind.MESSAGE, request.pageToken, digest));
  if (cursor?.logId !== log.id) throw pageTokenInvalid();
  return cursor.sequence;
}

/** Fills the page; gives the position of the next one, or undefined when there is none. */
async function readTimeline(read: HistoryRead, messageId: string): Promise<number | undefined> {
  const { page, end, signal } = read;
  let { position } = read;
  for (let isFirst = true; position < end && !page.isFull; isFirst = false) {
    if (!isFirst) await read.turns.take(signal);
    if (signal.aborted) throw callEnded(signal);
    const options = readOptions(read, Math.min(PIECE, page.room), page.byteRoom);
    const result = await orCallEnded(read.log.readMessage(messageId, position, options), signal);
    if (result.examinedTo <= position) return undefined;
    position = takeRecords(read, result.records, position, result.examinedTo);
  }
  return position < end && (await hasEvents(read, messageId, position)) ? position : undefined;
}

async function hasEvents(read: HistoryRead, messageId: string, after: number): Promise<boolean> {
  const options = { limit: 1, maxBytes: 1, includeRaw: false };
  const { records } = await orCallEnded(read.log.readMessage(messageId, after, options), read.signal);
  return records.length > 0;
}

/** The page and the status are empty also behind the end of a timeline that tells no status. */
async function requireKnown(read: HistoryRead, messageId: string): Promise<void> {
  if (read.position > 0 && (await hasEvents(read, messageId, 0))) return;
  throw messageUnknown();
}

/** The error for a message of which nothing is kept, or nothing that the caller may see. */
export function messageUnknown(): ServiceError {
  return new ServiceError(
    Code.NotFound,
    "MESSAGE_UNKNOWN",
    "no event of this message is kept: check the id; it may belong to another service, or be older than the log's retention",
  );
}

/** The status event as the request wants it: only reads by position give the raw body. */
async function asWanted(read: HistoryRead, status: EventRecord, messageId: string): Promise<EventRecord> {
  if (!read.includeRaw) return status;
  const options = { limit: 1, maxBytes: 1, includeRaw: true };
  const { records } = await orCallEnded(
    read.log.readMessage(messageId, status.sequence - 1, options),
    read.signal,
  );
  return records[0]?.sequence === status.sequence ? records[0] : status;
}

function statusFields(status: EventRecord | undefined): MessageInitShape<typeof GetMessageResponseSchema> {
  if (status === undefined) return {};
  const event = fromBinary(EventSchema, status.encoded);
  const { rank, final } = status.columns;
  return {
    state: messageStateOf(event, rank),
    statusEvent: event,
    final: final || rank === StatusRank.SEEN,
  };
}
