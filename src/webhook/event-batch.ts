import { create, toBinary } from "@bufbuild/protobuf";
import { EventSchema } from "../../gen/infobip/events/v1/event_pb.js";
import { EventBatchSchema } from "../../gen/infobip/events/v1/events_service_pb.js";
import type { EventDraft } from "../eventlog/event-envelope.ts";
import type { NewEvent } from "../eventlog/event-log.ts";
import { fingerprintBytes } from "../eventlog/fingerprint.ts";
import type { ReportItem } from "../infobip/reports/report-item.ts";
import { draftEvent, unparsedDraft } from "./event-builder.ts";
import { transcodeEvents } from "./fast-events.ts";
import type { WebhookRoute } from "./report-kind.ts";

/**
 * Makes and encodes the events of items, one event an item, in order. Never
 * throws: what cannot be read or encoded becomes an event of type UNPARSED.
 */
export function buildEvents(items: readonly ReportItem[], route: WebhookRoute): NewEvent[] {
  const events = transcodeEvents(items, route);
  const rest = items.filter((_, index) => events[index] === undefined);
  const others = buildFromMessages(rest, route).values();
  return events.map((event) => event ?? others.next().value).filter((event) => event !== undefined);
}

/** The general way: reads each item into a message and encodes that. */
function buildFromMessages(items: readonly ReportItem[], route: WebhookRoute): NewEvent[] {
  const drafts = items.map((item) => draftEvent(item, route));
  try {
    return encodeTogether(drafts);
  } catch {
    // Such as free-form content that is nested too deep to encode: only its own event pays for it.
    return items.map((item, index) => encodeAlone(drafts[index] ?? unparsedDraft(item), item));
  }
}

/**
 * Encodes all events as one message and takes that apart again: each encoding
 * of its own would grow a buffer of its own, which costs more than the rest.
 */
function encodeTogether(drafts: readonly EventDraft[]): NewEvent[] {
  const batch = create(EventBatchSchema);
  batch.events = drafts.map((draft) => draft.event);
  const bytes = toBinary(EventBatchSchema, batch);
  let at = 0;
  return drafts.map((draft) => {
    // Each event stands behind its tag, which is one byte, and its length.
    const { value: length, end } = readVarint(bytes, at + 1);
    at = end + length;
    return toNewEvent(draft, bytes.subarray(end, at));
  });
}

function encodeAlone(draft: EventDraft, item: ReportItem): NewEvent {
  try {
    return toNewEvent(draft, toBinary(EventSchema, draft.event));
  } catch {
    const unparsed = unparsedDraft(item);
    return toNewEvent(unparsed, toBinary(EventSchema, unparsed.event));
  }
}

function toNewEvent(draft: EventDraft, encoded: Uint8Array): NewEvent {
  const { columns, raw } = draft;
  return { columns, fingerprint: fingerprintBytes(draft.fingerprint), encoded, raw };
}

function readVarint(bytes: Uint8Array, from: number): { value: number; end: number } {
  let value = 0;
  let at = from;
  for (let shift = 0; ; shift += 7) {
    const byte = bytes[at++] ?? 0;
    value |= (byte & 0x7f) << shift;
    if (byte < 0x80) return { value, end: at };
  }
}
