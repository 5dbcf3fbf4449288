import { EventType } from "../../gen/infobip/events/v1/event_pb.js";
import { SeenResultSchema } from "../../gen/infobip/events/v1/seen_report_pb.js";
import { parseDateTime } from "../infobip/codec/date-time.ts";
import { decodeRest } from "../infobip/codec/decode.ts";
import type { ReportItem } from "../infobip/reports/report-item.ts";
import { type CommonFields, columnsOf, type EventDraft, toDraft } from "./event-envelope.ts";
import { isFinalStatus } from "./finality.ts";
import { fingerprintOf, isRepairedId, shortHash } from "./fingerprint.ts";
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
  const columns = columnsOf(EventType.UNPARSED, fields, false);
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
  const fields: CommonFields = payload.value;
  const report = payload.case === "deliveryReport" ? payload.value : undefined;
  const status = report?.status;
  const timeText = textOf(item[plan.timeProperty]);
  const occurTime = parseDateTime(timeText);
  const columns = columnsOf(plan.type, fields, isFinalStatus(status?.groupId, status?.id));
  const fingerprint = fingerprintOf(
    {
      kind,
      channel: textOf(item.channel),
      statusGroup: status?.groupId ?? status?.groupName,
      status: status?.id ?? status?.name,
      error: report?.error?.id ?? report?.error?.name,
      time: occurTime ? `${occurTime.seconds}.${occurTime.nanos}` : timeText,
      messageId: columns.messageId,
      isIdRepaired: isRepairedId(item.messageId),
    },
    raw,
  );
  return toDraft({ columns, fingerprint, raw, fields, occurTime, payload });
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}
