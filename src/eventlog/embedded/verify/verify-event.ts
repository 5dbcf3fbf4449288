import { fromBinary } from "@bufbuild/protobuf";
import type { Timestamp } from "@bufbuild/protobuf/wkt";
import { type Event, EventSchema } from "../../../../gen/infobip/events/v1/event_pb.js";
import { eventIdOf, type Fingerprint } from "../../fingerprint.ts";

/** Columns of {@link CheckedRow} that events and dead letters share. */
export const CHECKED_COLUMNS =
  "sequence, record_time, type, channel, final, occur_time, superseded, rank, " +
  "message_id, bulk_id, sender, destination, application_id, entity_id, encoded";

/** A row whose event is compared with its columns. */
export interface CheckedRow {
  readonly sequence: number;
  readonly record_time: number;
  readonly type: number;
  readonly channel: number;
  readonly final: number;
  readonly occur_time: number;
  readonly superseded: number;
  readonly rank: number;
  readonly message_id: string;
  readonly bulk_id: string;
  readonly sender: string;
  readonly destination: string;
  readonly application_id: string;
  readonly entity_id: string;
  readonly encoded: Uint8Array;
}

/** What the event's id is made of, beside the message id. */
export interface IdentityColumns {
  /** The fingerprint's 64 bits as a decimal number. */
  readonly fingerprint: string;
  /** Only of events without a message id. */
  readonly raw: Uint8Array | null;
}

/** Decodes the event of a row and compares the two; what is wrong, or undefined. Dead letters keep no identity. */
export function eventProblem(row: CheckedRow, identity?: IdentityColumns): string | undefined {
  const event = decode(row.encoded);
  if (event === undefined) return "cannot be decoded";
  const differing = COMPARISONS.filter(([, agrees]) => !agrees(event, row)).map(([name]) => name);
  if (differing.length > 0) return `differs from its columns in ${differing.join(", ")}`;
  if (identity === undefined || event.id === idOf(row.message_id, identity)) return undefined;
  return "its id is not the one of its fingerprint";
}

function idOf(messageId: string, { fingerprint, raw }: IdentityColumns): string {
  const bytes = Buffer.allocUnsafe(8);
  bytes.writeBigInt64LE(BigInt(fingerprint));
  return eventIdOf(bytes.toString("hex") as Fingerprint, messageId, raw ?? NO_BYTES);
}

const NO_BYTES = Buffer.alloc(0);

const COMPARISONS: readonly (readonly [string, (event: Event, row: CheckedRow) => boolean])[] = [
  ["type", (event, row) => event.type === row.type],
  ["channel", (event, row) => event.channel === row.channel],
  ["final", (event, row) => event.final === (row.final === 1)],
  ["superseded", (event, row) => event.superseded === (row.superseded === 1)],
  ["record_time", (event, row) => toMs(event.recordTime) === row.record_time],
  ["occur_time", (event, row) => Math.max(0, toMs(event.occurTime)) === row.occur_time],
  ["message_id", (event, row) => (event.messageId ?? "") === row.message_id],
  ["bulk_id", (event, row) => (event.bulkId ?? "") === row.bulk_id],
  ["sender", (event, row) => (event.sender ?? "") === row.sender],
  ["destination", (event, row) => (event.destination ?? "") === row.destination],
  ["application_id", (event, row) => (event.applicationId ?? "") === row.application_id],
  ["entity_id", (event, row) => (event.entityId ?? "") === row.entity_id],
];

function decode(encoded: Uint8Array): Event | undefined {
  try {
    return fromBinary(EventSchema, encoded);
  } catch {
    return undefined;
  }
}

function toMs(time: Timestamp | undefined): number {
  return time === undefined ? 0 : Number(time.seconds) * 1000 + Math.floor(time.nanos / 1_000_000);
}
