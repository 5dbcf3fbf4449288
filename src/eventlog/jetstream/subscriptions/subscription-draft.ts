import type { SubscriptionChange } from "../../embedded/subscription-store.ts";
import { DeadLetterIndex, encodeChanges, encodeIndex, type LetterChange } from "./dead-letter-index.ts";
import type { LetterEvent } from "./letter-value.ts";

/** Bytes of changes of the dead letters after which they are stored as a whole. */
const MAX_JOURNAL_BYTES = 4 * 1024;
const NONE = new Uint8Array();

/** A subscription as a commit leaves it. */
export interface SubscriptionContent {
  /** Undefined: there is none. */
  readonly state: Uint8Array | undefined;
  readonly letters: DeadLetterIndex;
  /** Name of the stored index that the journal goes on from; empty: of no dead letters. */
  readonly index: string;
  readonly journal: Uint8Array;
}

/** No subscription. */
export const NO_SUBSCRIPTION: SubscriptionContent = {
  state: undefined,
  letters: new DeadLetterIndex(),
  index: "",
  journal: NONE,
};

/** An event to store before a commit. */
export interface NewLetter {
  readonly sequence: number;
  readonly base: number;
  readonly event: LetterEvent;
}

/** Works out what a commit makes of a subscription; nothing takes effect by it. */
export class SubscriptionDraft {
  readonly missing: number[] = [];
  readonly newLetters: NewLetter[] = [];
  readonly #before: SubscriptionContent;
  /** Tells the keys of this commit's dead letters from others'. */
  readonly #base: number;
  readonly #findEvent: (sequence: number) => Promise<LetterEvent | undefined>;
  #state: Uint8Array | undefined;
  #letters: DeadLetterIndex;
  #isDeleted = false;
  #changes: LetterChange[] = [];

  constructor(
    before: SubscriptionContent,
    base: number,
    findEvent: (sequence: number) => Promise<LetterEvent | undefined>,
  ) {
    this.#before = before;
    this.#base = base;
    this.#findEvent = findEvent;
    this.#state = before.state;
    this.#letters = before.letters;
  }

  /** Applies a change. Rejects when the log cannot be read. */
  async apply(change: SubscriptionChange): Promise<void> {
    if (change.kind === "put") this.#state = change.state;
    else if (change.kind === "delete") this.#delete();
    else if (this.#state === undefined) this.#passOver(change);
    else if (change.kind === "bury") await this.#bury(change);
    else this.#changeLetters(change);
  }

  /** What is to be stored, and the whole index where the journal would grow too long. `index`: a name that was never used. */
  finish(index: string): {
    readonly content: SubscriptionContent;
    readonly newIndex: Uint8Array | undefined;
  } {
    const letters = this.#letters;
    const state = this.#state;
    if (letters.size === 0)
      return { content: { state, letters, index: "", journal: NONE }, newIndex: undefined };
    const from = this.#isDeleted ? NO_SUBSCRIPTION : this.#before;
    const journal =
      this.#changes.length === 0 ? from.journal : Buffer.concat([from.journal, encodeChanges(this.#changes)]);
    if (journal.length <= MAX_JOURNAL_BYTES)
      return { content: { state, letters, index: from.index, journal }, newIndex: undefined };
    return { content: { state, letters, index, journal: NONE }, newIndex: encodeIndex(letters) };
  }

  #delete(): void {
    this.#state = undefined;
    this.#letters = new DeadLetterIndex();
    this.#changes = [];
    this.#isDeleted = true;
  }

  #passOver(change: SubscriptionChange): void {
    if (change.kind === "bury") this.missing.push(change.sequence);
  }

  async #bury(change: SubscriptionChange & { readonly kind: "bury" }): Promise<void> {
    const { sequence, attempts, deadTimeMs, failure } = change;
    const known = this.#letters.get(sequence);
    if (known === undefined) {
      const event = await this.#findEvent(sequence);
      if (event === undefined) {
        this.missing.push(sequence);
        return;
      }
      this.newLetters.push({ sequence, base: this.#base, event });
    }
    const base = known?.base ?? this.#base;
    this.#changeLetters({ kind: "bury", sequence, attempts, deadTimeMs, failure, base });
  }

  #changeLetters(change: LetterChange): void {
    if (this.#changes.length === 0 && !this.#isDeleted) this.#letters = this.#letters.copy();
    this.#letters.apply(change);
    this.#changes.push(change);
  }
}
