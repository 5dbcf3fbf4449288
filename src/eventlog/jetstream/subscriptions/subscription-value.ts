import {
  FieldPacker,
  FieldReader,
  NUMBER_BYTES,
  packedBytesLength,
  packedTextLength,
} from "../../embedded/packed-fields.ts";
import { UnreadableMessage } from "../store-errors.ts";

/** Version of what a value holds. */
const FORMAT = 1;
const NUMBERS = 3;

/** What is stored under a subscription's key: all that a commit changes, but for the events of dead letters. */
export interface SubscriptionValue {
  /** Who has stored it: one opening of the subscription by one process. */
  readonly writer: string;
  /** Number of the attempt, by which the writer knows what it has stored. */
  readonly attempt: number;
  /** Settings and state in the encoding of subscription-state.ts; undefined: the subscription is deleted. */
  readonly state: Uint8Array | undefined;
  /** Last part of the key of the dead letters as they were; empty: there were none. */
  readonly index: string;
  /** Changes of the dead letters since then. */
  readonly journal: Uint8Array;
}

const NONE = new Uint8Array();

/** Format, kind, attempt, writer, index, journal, state. */
export function encodeSubscription({
  writer,
  attempt,
  state,
  index,
  journal,
}: SubscriptionValue): Uint8Array {
  const length =
    NUMBERS * NUMBER_BYTES +
    packedTextLength(writer) +
    packedTextLength(index) +
    packedBytesLength(journal) +
    packedBytesLength(state ?? NONE);
  const packer = new FieldPacker(length);
  packer.number(FORMAT);
  packer.number(state === undefined ? 0 : 1);
  packer.number(attempt);
  packer.text(writer);
  packer.text(index);
  packer.bytes(journal);
  packer.bytes(state ?? NONE);
  return packer.written;
}

/** @throws UnreadableMessage, RangeError when it is no subscription of a known format */
export function decodeSubscription(value: Uint8Array): SubscriptionValue {
  const reader = new FieldReader(value);
  const format = reader.number();
  if (format !== FORMAT) throw new UnreadableMessage(`a subscription has the unknown format ${format}`);
  const isThere = reader.number() === 1;
  const fields = {
    attempt: reader.number(),
    writer: reader.text(),
    index: reader.text(),
    journal: reader.bytes(),
  };
  const state = reader.bytes();
  return { ...fields, state: isThere ? state : undefined };
}
