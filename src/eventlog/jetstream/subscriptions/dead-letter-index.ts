import { ByteReader, ByteWriter } from "../../embedded/subscriptions/byte-buffer.ts";
import type { DeadLetterRecord } from "../../subscription-engine.ts";

type Failure = DeadLetterRecord["lastFailure"];

/** What is known of a dead letter beside its event. */
export interface DeadLetter {
  readonly attempts: number;
  /** Unix milliseconds. */
  readonly deadTimeMs: number;
  readonly failure: Failure;
  readonly redriven: boolean;
  /** With the sequence it says under which key the event is stored. */
  readonly base: number;
}

/** One change of the dead letters. */
export type LetterChange =
  | ({ readonly kind: "bury"; readonly sequence: number } & Omit<DeadLetter, "redriven">)
  | { readonly kind: "redrive" | "settle"; readonly sequences: readonly number[] };

/** Numbers of the failures, as they are stored. */
const FAILURES: readonly Failure[] = ["NACK", "LEASE_EXPIRED", "CONNECTION_LOST"];
/** Numbers of the kinds of changes, as they are stored. */
const KINDS = ["bury", "redrive", "settle"] as const;

/** The dead letters of a subscription, by the sequences of their events. */
export class DeadLetterIndex {
  readonly #letters: Map<number, DeadLetter>;
  #sorted: readonly number[] | undefined;

  constructor(letters: ReadonlyMap<number, DeadLetter> = new Map()) {
    this.#letters = new Map(letters);
  }

  get size(): number {
    return this.#letters.size;
  }

  /** Sequences in order. */
  get sequences(): readonly number[] {
    this.#sorted ??= [...this.#letters.keys()].sort((a, b) => a - b);
    return this.#sorted;
  }

  get(sequence: number): DeadLetter | undefined {
    return this.#letters.get(sequence);
  }

  copy(): DeadLetterIndex {
    return new DeadLetterIndex(this.#letters);
  }

  /** Applies a change; what it names and is not there is left out. */
  apply(change: LetterChange): void {
    this.#sorted = undefined;
    if (change.kind === "bury") {
      const { kind: _kind, sequence, ...letter } = change;
      this.#letters.set(sequence, { ...letter, redriven: false });
      return;
    }
    for (const sequence of change.sequences) {
      const letter = this.#letters.get(sequence);
      if (letter === undefined) continue;
      if (change.kind === "settle") this.#letters.delete(sequence);
      else this.#letters.set(sequence, { ...letter, redriven: true });
    }
  }
}

/** Encodes a whole index. */
export function encodeIndex(index: DeadLetterIndex): Uint8Array {
  const writer = new ByteWriter();
  writer.varint(index.size);
  let before = 0;
  for (const sequence of index.sequences) {
    const letter = index.get(sequence);
    if (letter === undefined) continue;
    writer.varint(sequence - before);
    writeLetter(writer, letter);
    writer.varint(letter.redriven ? 1 : 0);
    before = sequence;
  }
  return writer.finish();
}

/** @throws RangeError when the bytes are no index */
export function decodeIndex(bytes: Uint8Array): DeadLetterIndex {
  const reader = new ByteReader(bytes);
  const letters = new Map<number, DeadLetter>();
  let sequence = 0;
  for (let left = reader.varint(); left > 0; left--) {
    sequence += reader.varint();
    letters.set(sequence, { ...readLetter(reader), redriven: reader.varint() === 1 });
  }
  return new DeadLetterIndex(letters);
}

/** Encodes changes, one after the other; the bytes of two calls may be joined. */
export function encodeChanges(changes: readonly LetterChange[]): Uint8Array {
  const writer = new ByteWriter();
  for (const change of changes) {
    writer.varint(KINDS.indexOf(change.kind));
    if (change.kind === "bury") {
      writer.varint(change.sequence);
      writeLetter(writer, change);
    } else {
      writer.varint(change.sequences.length);
      for (const sequence of change.sequences) writer.varint(sequence);
    }
  }
  return writer.finish();
}

/** @throws RangeError when the bytes are no changes */
export function decodeChanges(bytes: Uint8Array): LetterChange[] {
  const reader = new ByteReader(bytes);
  const changes: LetterChange[] = [];
  while (!reader.isAtEnd) {
    const kind = KINDS[reader.varint()];
    if (kind === undefined) throw new RangeError("a stored change of dead letters is of an unknown kind");
    changes.push(
      kind === "bury"
        ? { kind, sequence: reader.varint(), ...readLetter(reader) }
        : { kind, sequences: Array.from({ length: reader.varint() }, () => reader.varint()) },
    );
  }
  return changes;
}

function writeLetter(
  writer: ByteWriter,
  { attempts, deadTimeMs, failure, base }: Omit<DeadLetter, "redriven">,
): void {
  writer.varint(base);
  writer.varint(attempts);
  writer.varint(Math.max(0, Math.trunc(deadTimeMs)));
  writer.varint(FAILURES.indexOf(failure));
}

function readLetter(reader: ByteReader): Omit<DeadLetter, "redriven"> {
  const [base, attempts, deadTimeMs] = [reader.varint(), reader.varint(), reader.varint()];
  const failure = FAILURES[reader.varint()];
  if (failure === undefined) throw new RangeError("a stored dead letter has failed in an unknown way");
  return { base, attempts, deadTimeMs, failure };
}
