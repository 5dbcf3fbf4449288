import { create } from "@bufbuild/protobuf";
import { TimestampSchema, timestampMs } from "@bufbuild/protobuf/wkt";
import { EventTypeSchema } from "../../../gen/infobip/events/v1/event_pb.js";
import { StartPosition } from "../../../gen/infobip/events/v1/positions_pb.js";
import { parseCursor } from "../../eventlog/cursor.ts";
import { type ExportRange, positionAt } from "../../eventlog/embedded/log-export.ts";
import type { ReadOnlyLog } from "../../eventlog/embedded/read-only-log.ts";
import type { EventColumns } from "../../eventlog/event-log.ts";
import { enumNumber } from "../enum-names.ts";
import { parseFrom } from "../watch-request.ts";

/** Flags of `log export` that choose events. */
export interface ExportRangeOptions {
  readonly from: string;
  readonly until: string;
  readonly type?: readonly string[];
  readonly messageId?: readonly string[];
  readonly raw?: boolean;
}

/** Reads the flags against a log. @throws CliError for a wrong type, ServiceError for a wrong cursor */
export function exportRange(file: ReadOnlyLog, options: ExportRangeOptions): ExportRange {
  const ids = options.messageId ?? [];
  return {
    after: positionOf(file, options.from),
    upTo: positionOf(file, options.until),
    messageId: ids.length === 1 ? ids[0] : undefined,
    matches: predicateOf(options),
    includeRaw: options.raw === true,
  };
}

/** A time means the position before the first event stored then, so that it ends one export and begins the next. */
function positionOf(file: ReadOnlyLog, text: string): number {
  const { logId, earliest, head } = file.state();
  const place = parseFrom(text);
  if (place.case === "start") return place.value === StartPosition.EARLIEST ? earliest : head;
  if (place.case === "startTime") return positionAt(file, timestampMs(create(TimestampSchema, place.value)));
  return parseCursor(text, { id: logId, bounds: () => ({ earliest, head }) });
}

function predicateOf({
  type,
  messageId,
}: ExportRangeOptions): ((columns: EventColumns) => boolean) | undefined {
  const types = new Set(type?.map((name) => enumNumber(EventTypeSchema, name)));
  const ids = new Set(messageId);
  if (types.size === 0 && ids.size === 0) return undefined;
  return (columns) =>
    (types.size === 0 || types.has(columns.type)) && (ids.size === 0 || ids.has(columns.messageId));
}
