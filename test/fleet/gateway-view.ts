import { equals } from "@bufbuild/protobuf";
import type { EventType } from "../../gen/infobip/events/v1/event_pb.js";
import { type GetMessageResponse, GetMessageResponseSchema } from "../../gen/infobip/events/v1/history_pb.js";
import type { EventsClient } from "../crash/events-client.ts";
import { positionOf } from "../crash/position.ts";
import type { LoggedEvent } from "../history/watch-history.ts";

/** What a gateway lists of the log, in its order: events of some types, or all of them for none. */
export async function listLog({ events }: EventsClient, types: readonly EventType[]): Promise<LoggedEvent[]> {
  const log: LoggedEvent[] = [];
  let pageToken = "";
  do {
    const page = await events.listEvents({ filter: { types: [...types] }, pageToken, pageSize: 1_000 });
    for (const { sequence, id, messageId, callbackData } of page.events)
      log.push({ sequence: Number(sequence), id, key: messageId ?? "", item: callbackData ?? "" });
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
  return log;
}

/** What a gateway says of the log as a whole. */
export interface LogView {
  readonly logId: string;
  readonly earliest: number;
  readonly head: number;
  readonly count: number;
  readonly isWritable: boolean;
}

export async function viewLog({ events }: EventsClient): Promise<LogView> {
  const { logId, earliestCursor, headCursor, eventCount, writable } = await events.getEventLog({});
  return {
    logId,
    earliest: positionOf(earliestCursor),
    head: positionOf(headCursor),
    count: Number(eventCount),
    isWritable: writable,
  };
}

/** Ids of those messages that the gateways do not tell the same of, every field and cursor of it, or nothing at all. */
export async function differingMessages(
  gateways: readonly EventsClient[],
  messageIds: readonly string[],
): Promise<string[]> {
  const differing: string[] = [];
  for (const messageId of messageIds) {
    const [first, ...others] = await Promise.all(
      gateways.map(({ events }) => events.getMessage({ messageId, includeRawBody: true })),
    );
    const isSame = (other: GetMessageResponse) =>
      first !== undefined && equals(GetMessageResponseSchema, first, other);
    if (first?.statusEvent === undefined || !others.every(isSame)) differing.push(messageId);
  }
  return differing;
}
