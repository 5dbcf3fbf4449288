import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { type Event, EventSchema, EventType } from "../gen/infobip/events/v1/event_pb.js";
import { Channel } from "../gen/infobip/messages/v1/channel_pb.js";
import type {
  EventColumns,
  EventLog,
  EventRecord,
  NewEvent,
  ReadOptions,
} from "../src/eventlog/event-log.ts";
import { StatusRank } from "../src/infobip/status-rank.ts";

/** Bounds that no test reaches by chance. */
export const READ_ALL: ReadOptions = { limit: 100_000, maxBytes: 1 << 30, includeRaw: false };

/** Columns of an ordinary delivery report. */
export function sampleColumns(columns: Partial<EventColumns> = {}): EventColumns {
  return {
    type: EventType.DELIVERY_REPORT,
    channel: Channel.SMS,
    messageId: "message",
    bulkId: "bulk",
    sender: "sender",
    destination: "destination",
    applicationId: "application",
    entityId: "entity",
    final: false,
    rank: StatusRank.PENDING,
    occurTimeMs: 0,
    ...columns,
  };
}

/** Binary Event. */
export function sampleEncoded(event: MessageInitShape<typeof EventSchema>): Uint8Array {
  return toBinary(EventSchema, create(EventSchema, event));
}

/** An event about message `m-<n>`, distinct for each `n`. */
export function sampleEvent(n: number, columns: Partial<EventColumns> = {}, raw = `raw ${n}`): NewEvent {
  const all = sampleColumns({ messageId: `m-${n}`, ...columns });
  const fingerprint = Buffer.alloc(8);
  fingerprint.writeBigUInt64BE(BigInt(n) * 0x9e37_79b9n);
  const { type, channel, messageId } = all;
  return {
    columns: all,
    fingerprint,
    encoded: sampleEncoded({ id: `e-${n}`, type, channel, messageId }),
    raw: Buffer.from(raw),
  };
}

/** Sample events of a range of numbers, both ends included. */
export function sampleEvents(from: number, to: number): NewEvent[] {
  return Array.from({ length: to - from + 1 }, (_, i) => sampleEvent(from + i));
}

/** Decodes what a reader got. */
export function decodeEvent(record: EventRecord): Event {
  return fromBinary(EventSchema, record.encoded);
}

/** Message ids of everything after a position, in order. */
export async function messageIds(log: Pick<EventLog, "read">, after = 0): Promise<string[]> {
  const { records } = await log.read(after, READ_ALL);
  return records.map((record) => record.columns.messageId);
}
