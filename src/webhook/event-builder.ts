import type { DeliveryStatus } from "../../gen/infobip/events/v1/delivery_report_pb.js";
import { EventType } from "../../gen/infobip/events/v1/event_pb.js";
import { SeenResultSchema } from "../../gen/infobip/events/v1/seen_report_pb.js";
import { type CommonFields, columnsOf, type EventDraft, toDraft } from "../eventlog/event-envelope.ts";
import { fingerprintOf, isRepairedId, shortHash } from "../eventlog/fingerprint.ts";
import { parseDateTime } from "../infobip/codec/date-time.ts";
import { decodeRest } from "../infobip/codec/decode.ts";
import { isFinalStatus } from "../infobip/finality.ts";
import type { ReportItem } from "../infobip/reports/report-item.ts";
import { reportRank, StatusRank } from "../infobip/status-rank.ts";
import { clickDetail, clickFields, clickTime } from "./click.ts";
import { type ReportKind, reportKindOf, type WebhookRoute } from "./report-kind.ts";
import { KIND_PLANS, type ReportPayload } from "./report-payload.ts";

/** JSON properties of {@link CommonFields}. */
const COMMON_MEMBERS = [
  "channel",
  "sender",
  "destination",
  "messageId",
  "bulkId",
  "callbackData",
  "campaignReferenceId",
  "platform",
] as const;

type Item = Readonly<Record<string, unknown>>;

/**
 * Makes the event of one item. Never throws: an item that is no object or says
 * nothing about any message becomes an event of type UNPARSED that keeps its
 * bytes.
 */
export function draftEvent(item: ReportItem, route: WebhookRoute): EventDraft {
  if (item.isOpaque === true) return unparsedDraft(item);
  const value = toObject(item.value);
  const kind = value && reportKindOf(value.event, route);
  const payload = value && kind && KIND_PLANS[kind].read(value);
  return value && kind && payload ? typedDraft(kind, payload, value, item.raw) : unparsedDraft(item);
}

/**
 * Makes an event of type UNPARSED. Every kind says what it is about with
 * properties of the same names, so those that are there are used.
 */
export function unparsedDraft(item: ReportItem): EventDraft {
  const value = toObject(item.value);
  const fields: CommonFields = value ? decodeRest(SeenResultSchema, commonMembers(value)).message : {};
  const standing = {
    type: EventType.UNPARSED,
    final: false,
    rank: StatusRank.NONE,
    occurTime: undefined,
  };
  const columns = columnsOf(standing, fields);
  return toDraft({ columns, fingerprint: shortHash(item.raw), raw: item.raw, fields });
}

/** Leaves out the rest, which may be large and of any shape. */
function commonMembers(value: Item): Item {
  const members = COMMON_MEMBERS.filter((name) => Object.hasOwn(value, name));
  return Object.fromEntries(members.map((name) => [name, value[name]]));
}

function toObject(value: unknown): Item | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Item) : undefined;
}

function typedDraft(kind: ReportKind, payload: ReportPayload, item: Item, raw: Uint8Array): EventDraft {
  const plan = KIND_PLANS[kind];
  const click = payload.case === "click" ? payload.value : undefined;
  const fields: CommonFields = payload.case === "click" ? clickFields(payload.value) : payload.value;
  const report = payload.case === "deliveryReport" ? payload.value : undefined;
  const status = report?.status;
  const timeText = textOf(item[plan.timeProperty]);
  const occurTime = click ? clickTime(click, timeText) : parseDateTime(timeText);
  const standing = {
    type: plan.type,
    final: isFinalStatus(status?.groupId, status?.id),
    rank: rankOf(kind, status),
    occurTime,
  };
  const columns = columnsOf(standing, fields);
  const fingerprint = fingerprintOf(
    {
      kind,
      channel: textOf(item.channel),
      statusGroup: status?.groupId ?? status?.groupName,
      status: status?.id ?? status?.name,
      error: report?.error?.id ?? report?.error?.name,
      time: occurTime ? `${occurTime.seconds}.${occurTime.nanos}` : timeText,
      detail: click && clickDetail(click, occurTime, raw),
      messageId: columns.messageId,
      isIdRepaired: isRepairedId(item.messageId),
    },
    raw,
  );
  return toDraft({ columns, fingerprint, raw, fields, occurTime, payload });
}

/** Rank of the status that a report tells. */
export function rankOf(
  kind: ReportKind,
  status: Pick<DeliveryStatus, "groupId" | "id"> | undefined,
): StatusRank {
  if (kind === "SEEN") return StatusRank.SEEN;
  return kind === "DELIVERY" ? reportRank(status?.groupId, status?.id) : StatusRank.NONE;
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}
