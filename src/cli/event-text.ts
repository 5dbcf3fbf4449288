import { timestampDate } from "@bufbuild/protobuf/wkt";
import { type Event, EventTypeSchema } from "../../gen/infobip/events/v1/event_pb.js";
import { ChannelSchema } from "../../gen/infobip/messages/v1/channel_pb.js";
import { SendOutcome } from "../../gen/infobip/messages/v1/send_messages_pb.js";
import { SubmissionStateSchema } from "../../gen/infobip/messages/v1/submission_pb.js";
import { enumName } from "./enum-names.ts";
import type { Paint, Style } from "./style.ts";
import { pad, printable } from "./table.ts";

/** Status groups of a delivery report, by number. */
const GROUP_NAMES = ["ACCEPTED", "PENDING", "UNDELIVERABLE", "DELIVERED", "EXPIRED", "REJECTED"];

/** What a send result tells, in the column of the status groups. */
const SEND_NAMES: Readonly<Record<SendOutcome, string>> = {
  [SendOutcome.UNSPECIFIED]: "SEND_UNKNOWN",
  [SendOutcome.SENT]: "SENT",
  [SendOutcome.NOT_SENT]: "NOT_SENT",
  [SendOutcome.UNKNOWN]: "SEND_UNKNOWN",
};

/** News after which more is to come. */
const PASSING_NEWS: ReadonlySet<string> = new Set(["PENDING", "ACCEPTED", "SENT", "QUEUED", "SENDING"]);

/** How lines tell the time: of day for what happens now, with the date for what has happened. */
export type TimeFormat = "clock" | "date";

const TIME_WIDTHS: Readonly<Record<TimeFormat, number>> = { clock: 12, date: 19 };

/** Name of the status group that a delivery report tells; undefined for other events. */
export function statusGroup(event: Event): string | undefined {
  if (event.payload.case !== "deliveryReport") return undefined;
  const { groupId, groupName } = event.payload.value.status ?? {};
  return groupName ?? GROUP_NAMES[groupId ?? -1] ?? "UNKNOWN";
}

/** One line of a table for one event. Columns are as wide as their usual content, since the rest is not known yet. */
export function eventLine(event: Event, style: Style, time: TimeFormat = "clock"): string {
  const what = newsOf(event);
  const cells = [
    style.dim(pad(timeText(event, time), TIME_WIDTHS[time])),
    pad(enumName(ChannelSchema, event.channel), 12),
    pad(paintOf(what, style)(printable(what ?? enumName(EventTypeSchema, event.type))), 16),
    pad(standingOf(event, style), 5),
    pad(printable(event.destination ?? ""), 15),
    style.dim(printable([event.messageId, remarkOf(event)].filter(Boolean).join("  "))),
  ];
  return cells.join("  ").trimEnd();
}

/** Heading of the lines that {@link eventLine} makes. */
export function eventHeading(style: Style, time: TimeFormat = "clock"): string {
  const cells = [
    pad("time (UTC)", TIME_WIDTHS[time]),
    pad("channel", 12),
    pad("event", 16),
    pad("", 5),
    pad("destination", 15),
    "message id",
  ];
  return style.bold(cells.join("  "));
}

/** Colour of a status group, of what became of a send, or of a submission's state. */
export function paintOf(news: string | undefined, style: Style): Paint {
  if (news === "DELIVERED") return style.good;
  if (news === undefined || news === "CANCELLED") return style.info;
  return PASSING_NEWS.has(news) ? style.warn : style.bad;
}

/** What the event tells of the way of the message or submission; undefined when it tells nothing of it. */
function newsOf(event: Event): string | undefined {
  const { payload } = event;
  if (payload.case === "sendResult") return SEND_NAMES[payload.value.outcome];
  if (payload.case === "submission") return enumName(SubmissionStateSchema, payload.value.state);
  return statusGroup(event);
}

/** Late news did not change where the message stands. */
function standingOf(event: Event, style: Style): string {
  if (event.superseded) return style.dim("late");
  return event.final ? style.bold("final") : "";
}

/** What is worth a look beyond the columns. */
function remarkOf({ payload }: Event): string | undefined {
  if (payload.case === "click") return payload.value.url;
  if (payload.case === "submission") {
    return [payload.value.submission, payload.value.errorReason].filter(Boolean).join("  ");
  }
  if (payload.case !== "sendResult" || payload.value.outcome === SendOutcome.SENT) return undefined;
  return payload.value.status?.name ?? payload.value.errorReason;
}

function timeText({ recordTime }: Event, format: TimeFormat): string {
  if (recordTime === undefined) return "";
  const text = timestampDate(recordTime).toISOString();
  return format === "clock" ? text.slice(11, 23) : text.slice(0, 19).replace("T", " ");
}
