import type { ClickReport } from "../../gen/infobip/events/v1/click_report_pb.js";
import type { CommonFields } from "../eventlog/event-envelope.ts";
import { shortHash } from "../eventlog/fingerprint.ts";
import { fromEpochMillis, type Instant, parseDateTime } from "../infobip/codec/date-time.ts";

/** The common fields of a click, which spells some of them in its own way. */
export function clickFields(click: ClickReport): CommonFields {
  const { messageId, bulkId, callbackData, campaignReferenceId, recipient } = click;
  const { applicationId, entityId } = click;
  return {
    destination: recipient,
    messageId,
    bulkId,
    callbackData,
    campaignReferenceId,
    platform: { applicationId, entityId },
  };
}

/** Below it a time is Unix seconds and not milliseconds: as milliseconds it would lie before March 1973. */
const FIRST_MILLIS = 100_000_000_000n;

/**
 * When the click happened; undefined when `sendDateTime` is neither a date and
 * time nor a Unix time above 0. Infobip writes milliseconds; seconds are told
 * by their size.
 */
export function clickTime(click: ClickReport, timeText: string): Instant | undefined {
  const time = click.sendDateTime;
  if (time === undefined) return parseDateTime(timeText);
  if (time <= 0n) return undefined;
  return fromEpochMillis(Number(time) * (time < FIRST_MILLIS ? 1_000 : 1));
}

/**
 * What makes one click on a message differ from another at the same time. A
 * click can happen again, unlike a status; so one without a time is told by
 * its bytes too.
 */
export function clickDetail(
  click: ClickReport,
  time: Instant | undefined,
  raw: Uint8Array,
): readonly string[] {
  const detail = [click.notificationType ?? "", click.url ?? "", click.recipient ?? ""];
  if (time === undefined) detail.push(shortHash(raw));
  return detail;
}
