import { timestampDate } from "@bufbuild/protobuf/wkt";
import { type Event, EventTypeSchema } from "../../gen/infobip/events/v1/event_pb.js";
import { ChannelSchema } from "../../gen/infobip/messages/v1/channel_pb.js";
import { enumName } from "./enum-names.ts";
import type { Paint, Style } from "./style.ts";
import { pad, printable } from "./table.ts";

/** Status groups of a delivery report, by number. */
const GROUP_NAMES = ["ACCEPTED", "PENDING", "UNDELIVERABLE", "DELIVERED", "EXPIRED", "REJECTED"];

/** Name of the status group that a delivery report tells; undefined for other events. */
export function statusGroup(event: Event): string | undefined {
  if (event.payload.case !== "deliveryReport") return undefined;
  const { groupId, groupName } = event.payload.value.status ?? {};
  return groupName ?? GROUP_NAMES[groupId ?? -1] ?? "UNKNOWN";
}

/** One line of a table for one event. Columns are as wide as their usual content, since the rest is not known yet. */
export function eventLine(event: Event, style: Style): string {
  const time = event.recordTime ? timestampDate(event.recordTime).toISOString().slice(11, 23) : "";
  const group = statusGroup(event);
  const what = group ?? enumName(EventTypeSchema, event.type);
  const cells = [
    style.dim(time),
    pad(enumName(ChannelSchema, event.channel), 12),
    pad(paintOf(group, style)(printable(what)), 16),
    pad(event.final ? style.bold("final") : "", 5),
    pad(printable(event.destination ?? ""), 15),
    style.dim(printable(event.messageId ?? "")),
  ];
  return cells.join("  ").trimEnd();
}

/** Heading of the lines that {@link eventLine} makes. */
export function eventHeading(style: Style): string {
  const cells = [
    pad("time (UTC)", 12),
    pad("channel", 12),
    pad("event", 16),
    pad("", 5),
    pad("destination", 15),
    "message id",
  ];
  return style.bold(cells.join("  "));
}

/** Colour of a status group. */
export function paintOf(group: string | undefined, style: Style): Paint {
  if (group === "DELIVERED") return style.good;
  if (group === "PENDING" || group === "ACCEPTED") return style.warn;
  return group === undefined ? style.info : style.bad;
}
