import { create } from "@bufbuild/protobuf";
import { durationFromMs, timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { EventsService } from "../../gen/infobip/events/v1/events_service_pb.js";
import { GetEventLogResponseSchema } from "../../gen/infobip/events/v1/history_pb.js";
import { encodeCursor } from "../eventlog/cursor.ts";
import type { EventLog } from "../eventlog/event-log.ts";
import { orCallEnded } from "../rpc/call-ended.ts";
import type { UnaryImplementation } from "../rpc/service-implementation.ts";

type GetEventLog = UnaryImplementation<(typeof EventsService)["method"]["getEventLog"]>;

/** Makes the implementation of EventsService.GetEventLog. Fails with ServiceError only. */
export function createGetEventLog(log: EventLog): GetEventLog {
  return async (_request, { signal }) => {
    const stats = await orCallEnded(log.stats(), signal);
    const { earliest, head } = log.bounds();
    const earliestTimeMs = await orCallEnded(log.recordTimeAfter(earliest), signal);
    const health = log.health();
    return create(GetEventLogResponseSchema, {
      logId: log.id,
      earliestCursor: encodeCursor(log.id, earliest),
      headCursor: encodeCursor(log.id, head),
      ...(earliestTimeMs === undefined ? {} : { earliestTime: timestampFromMs(earliestTimeMs) }),
      eventCount: BigInt(stats.events),
      sizeBytes: BigInt(stats.sizeBytes),
      retentionAge: durationFromMs(stats.retention.ageMs),
      retentionBytes: BigInt(stats.retention.bytes),
      writable: health.ok,
      unwritableReason: health.ok ? "" : (health.reason ?? ""),
    });
  };
}
