import type { NatsLink } from "../../nats/nats-link.ts";
import type { StreamState } from "../../nats/stream-layout.ts";
import { unpackBatch } from "../embedded/batch-buffer.ts";
import type { EventRecord } from "../event-log.ts";
import type { ReplicaEntry, ReplicaLog } from "../replica-log.ts";
import { decodeMessage } from "./event-message.ts";
import { getMessage } from "./kept-message.ts";
import { assembleParts, PartedEvent } from "./parted-event.ts";
import type { StreamMessage } from "./stream-message.ts";

/** Sequences before the replica's position among which its last event is looked for. */
const LOOK_BACK = 1_024;
/** Most bytes of events that are read for that, but for one event. */
const MAX_READ_BYTES = 16 * 1024 * 1024;

/** The stream, for {@link findDivergence}. */
export interface TailStream {
  readonly link: NatsLink;
  readonly stream: string;
  readonly state: StreamState;
}

/**
 * Says why a replica is no copy of the stream any more; undefined when nothing speaks against it. A server that
 * has lost its last messages, by a power cut or a restored copy, gives their sequences to others: then the replica's
 * last event is not what the stream has there. `last` is the message that was examined last, when that is known.
 *
 * Rejects with ServiceError LOG_UNAVAILABLE when it cannot be known now.
 */
export async function findDivergence(
  { link, stream, state }: TailStream,
  replica: ReplicaLog,
  last?: StreamMessage,
): Promise<string | undefined> {
  const { position } = replica;
  if (state.lastSequence < position)
    return `the NATS stream ends at ${state.lastSequence}, but had ${position} messages before`;
  if (last !== undefined && last.sequence >= state.firstSequence) {
    const kept = await getMessage(link, stream, last.sequence);
    if (kept !== undefined && (kept.timeMs !== last.timeMs || !kept.payload.equals(last.payload)))
      return `the NATS stream has another message at ${last.sequence} than before`;
    return undefined;
  }
  const record = await lastRecord(replica);
  if (record === undefined || record.sequence < state.firstSequence) return undefined;
  const isSame = await holdsRecord(link, stream, record);
  return isSame ? undefined : `the NATS stream has another event at ${record.sequence} than the local copy`;
}

/** The last event near the replica's head. Nearly always it is the very last sequence; others hold no event of their own. */
async function lastRecord(replica: ReplicaLog): Promise<EventRecord | undefined> {
  const { earliest, head } = replica.bounds();
  for (let back = 1; back <= LOOK_BACK; back *= 2) {
    // With the raw item, so that this read does not decide what the window of recent records begins with.
    const options = { limit: back, maxBytes: MAX_READ_BYTES, includeRaw: true };
    const { records } = await replica.read(Math.max(earliest, head - back), options);
    if (records.length > 0) return records.at(-1);
  }
  return undefined;
}

/** Whether the stream has a record's event at its sequence, or nothing any more. */
async function holdsRecord(link: NatsLink, stream: string, record: EventRecord): Promise<boolean> {
  const kept = await getMessage(link, stream, record.sequence);
  if (kept === undefined) return true;
  const fetch = async (sequence: number): Promise<Buffer | undefined> =>
    (await getMessage(link, stream, sequence))?.payload;
  const message = decodeMessage({ ...kept, sequence: record.sequence });
  const entry = message instanceof PartedEvent ? await assembleParts(message, fetch) : message;
  return typeof entry === "object" && isOf(entry, record);
}

/** What is stored of an event begins with the event as it came. */
function isOf({ packed }: ReplicaEntry, { columns, encoded }: EventRecord): boolean {
  const batch = Buffer.from(packed.buffer, packed.byteOffset, packed.length);
  const [event] = unpackBatch(batch);
  if (event === undefined || event.messageId !== columns.messageId) return false;
  const original = batch.subarray(event.encodedAt, event.encodedEnd);
  return original.equals(encoded.subarray(0, original.length));
}
