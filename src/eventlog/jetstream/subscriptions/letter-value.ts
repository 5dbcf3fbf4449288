import {
  FieldPacker,
  FieldReader,
  NUMBER_BYTES,
  packedBytesLength,
  packedTextLength,
} from "../../embedded/packed-fields.ts";
import type { EventLog, EventRecord } from "../../event-log.ts";
import { UnreadableMessage } from "../store-errors.ts";

/** Version of what a value holds. */
const FORMAT = 1;
const NUMBERS = 10;
/** One event is read, whatever its size. */
const ONE = { limit: 1, maxBytes: Number.MAX_SAFE_INTEGER };

/** The event of a dead letter, with and without its raw body. */
export interface LetterEvent {
  readonly plain: EventRecord;
  readonly withRaw: EventRecord;
}

/** Reads an event out of the log; undefined when it is not there any more. Rejects with ServiceError LOG_UNAVAILABLE. */
export async function readLetterEvent(
  log: Pick<EventLog, "bounds" | "read">,
  sequence: number,
): Promise<LetterEvent | undefined> {
  const withRaw = await readOne(log, sequence, true);
  const plain = withRaw && (await readOne(log, sequence, false));
  return withRaw && plain && { plain, withRaw };
}

async function readOne(
  log: Pick<EventLog, "bounds" | "read">,
  sequence: number,
  includeRaw: boolean,
): Promise<EventRecord | undefined> {
  const isGone = (): boolean => sequence <= log.bounds().earliest;
  if (isGone()) return undefined;
  try {
    const { records } = await log.read(sequence - 1, { ...ONE, includeRaw });
    return records.find((record) => record.sequence === sequence);
  } catch (error) {
    // Retention was faster.
    if (isGone()) return undefined;
    throw error;
  }
}

/** Encodes an event. With its raw body it is the plain one with more at its end, so that is stored once. */
export function encodeLetter({ plain, withRaw }: LetterEvent): Uint8Array {
  const { columns: c, sequence, recordTimeMs, superseded } = plain;
  const texts = [c.messageId, c.bulkId, c.sender, c.destination, c.applicationId, c.entityId];
  const packer = new FieldPacker(
    NUMBERS * NUMBER_BYTES +
      texts.reduce((sum, text) => sum + packedTextLength(text), 0) +
      packedBytesLength(withRaw.encoded),
  );
  packer.number(FORMAT);
  packer.number(sequence);
  packer.number(recordTimeMs);
  packer.number(superseded ? 1 : 0);
  packer.number(c.type);
  packer.number(c.channel);
  packer.number(c.final ? 1 : 0);
  packer.number(c.rank);
  packer.number(c.occurTimeMs);
  packer.number(plain.encoded.length);
  for (const text of texts) packer.text(text);
  packer.bytes(withRaw.encoded);
  return packer.written;
}

/** @throws UnreadableMessage, RangeError when it is no event of a known format */
export function decodeLetter(value: Uint8Array, includeRaw: boolean): EventRecord {
  const reader = new FieldReader(value);
  const format = reader.number();
  if (format !== FORMAT) throw new UnreadableMessage(`a dead letter has the unknown format ${format}`);
  const [sequence, recordTimeMs, superseded] = [reader.number(), reader.number(), reader.number() === 1];
  const [type, channel, final] = [reader.number(), reader.number(), reader.number() === 1];
  const [rank, occurTimeMs, plainLength] = [reader.number(), reader.number(), reader.number()];
  const columns = {
    type,
    channel,
    final,
    rank,
    occurTimeMs,
    messageId: reader.text(),
    bulkId: reader.text(),
    sender: reader.text(),
    destination: reader.text(),
    applicationId: reader.text(),
    entityId: reader.text(),
  };
  const whole = reader.bytes();
  const encoded = includeRaw ? whole : whole.subarray(0, plainLength);
  return { sequence, recordTimeMs, columns, superseded, encoded };
}
