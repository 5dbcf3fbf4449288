import { logUnavailable } from "../../../nats/nats-errors.ts";
import { PublishConflict } from "../../../nats/publisher.ts";
import type { Values } from "../../../nats/values.ts";
import type {
  StoredSubscription,
  SubscriptionChange,
  SubscriptionCommit,
  SubscriptionStore,
} from "../../embedded/subscription-store.ts";
import type { EventLog } from "../../event-log.ts";
import { type DeadLetterRecord, MAX_DEAD_LETTERS } from "../../subscription-engine.ts";
import { storeTakenOver, UnreadableMessage } from "../store-errors.ts";
import { GROUP_SIZE, inGroups } from "./in-groups.ts";
import { decodeLetter, encodeLetter, readLetterEvent } from "./letter-value.ts";
import { removeQuietly, removeRemains } from "./remains.ts";
import { type SubscriptionContent, SubscriptionDraft } from "./subscription-draft.ts";
import { indexKey, letterKey, stateKey } from "./subscription-keys.ts";
import { decodeSubscription, encodeSubscription } from "./subscription-value.ts";

/** Tries to store a commit while its writer's own earlier ones turn up. */
const MAX_PUT_ATTEMPTS = 10;

/** What {@link FencedSubscription} works with. */
export interface FencedSubscriptionOptions {
  readonly id: string;
  readonly values: Values;
  readonly log: Pick<EventLog, "bounds" | "read">;
  /** Tells this opening of the subscription from all others. */
  readonly writer: string;
  readonly content: SubscriptionContent;
  /** Revision of the stored value; 0: there is none. */
  readonly revision: number;
  /** Aborted when another process has stored the subscription. */
  readonly fence: AbortController;
}

type Letters = Parameters<SubscriptionStore["deadLetters"]>[2];

/**
 * See {@link SubscriptionStore}; for one subscription. A commit is one value,
 * put in the place of the one before it or not at all: the state, and which
 * dead letters there are. The events of dead letters are stored before it under
 * keys of their own, which count only when the value names them.
 */
export class FencedSubscription implements SubscriptionStore {
  readonly #options: FencedSubscriptionOptions;
  #content: SubscriptionContent;
  #revision: number;
  #attempt = 0;
  #lastCommit: Promise<unknown> = Promise.resolve();
  /** Keys of indexes that were stored for a commit that failed. */
  #unusedIndexes: string[] = [];

  constructor(options: FencedSubscriptionOptions) {
    this.#options = options;
    this.#content = options.content;
    this.#revision = options.revision;
  }

  load(): readonly StoredSubscription[] {
    const { state, letters } = this.#content;
    if (state === undefined) return [];
    const redriven = letters.sequences.filter((sequence) => letters.get(sequence)?.redriven);
    return [{ id: this.#options.id, state, deadLetters: letters.size, redriven }];
  }

  commit(changes: readonly SubscriptionChange[]): Promise<SubscriptionCommit> {
    if (changes.length === 0) return Promise.resolve({ missing: [] });
    const done = this.#lastCommit.then(() => this.#commit(changes));
    this.#lastCommit = done.catch(() => {});
    return done;
  }

  async deadLetters(
    id: string,
    after: number,
    { limit, maxBytes, includeRaw }: Letters,
  ): Promise<readonly DeadLetterRecord[]> {
    this.#requireHeld(id);
    const wanted = this.#content.letters.sequences.filter((sequence) => sequence > after).slice(0, limit);
    const found: DeadLetterRecord[] = [];
    let bytes = 0;
    for (let at = 0; at < wanted.length; at += GROUP_SIZE) {
      const group = wanted.slice(at, at + GROUP_SIZE);
      for (const letter of await inGroups(group, (sequence) => this.#readLetter(sequence, includeRaw))) {
        if (letter === undefined) continue;
        found.push(letter);
        bytes += letter.record.encoded.length;
        if (bytes >= maxBytes) return found;
      }
    }
    return found;
  }

  async deadLetterSequences(id: string, among: readonly number[] | undefined): Promise<readonly number[]> {
    this.#requireHeld(id);
    const { letters } = this.#content;
    if (among === undefined) return letters.sequences.slice(0, MAX_DEAD_LETTERS);
    return [...new Set(among)]
      .filter((sequence) => letters.get(sequence) !== undefined)
      .sort((a, b) => a - b);
  }

  /** Resolves when the commits that were given have ended. Never rejects. */
  async settled(): Promise<void> {
    await this.#lastCommit;
  }

  async #commit(changes: readonly SubscriptionChange[]): Promise<SubscriptionCommit> {
    const { values, log, id } = this.#options;
    const base = this.#revision;
    const draft = new SubscriptionDraft(this.#content, base, (sequence) => readLetterEvent(log, sequence));
    for (const change of changes) {
      this.#requireHeld(change.id);
      await draft.apply(change);
    }
    this.#attempt++;
    const { content, newIndex } = draft.finish(`${base}-${this.#attempt}`);
    await inGroups(draft.newLetters, ({ sequence, base: letterBase, event }) =>
      values.put(letterKey(id, sequence, letterBase), encodeLetter(event)),
    );
    if (newIndex !== undefined) await this.#putIndex(content.index, newIndex);
    await this.#put(content);
    const before = this.#content;
    this.#content = content;
    await this.#removeUnused(before);
    return { missing: draft.missing };
  }

  async #putIndex(index: string, bytes: Uint8Array): Promise<void> {
    const key = indexKey(this.#options.id, index);
    this.#unusedIndexes.push(key);
    await this.#options.values.put(key, bytes);
  }

  /** Stores the value, whatever of this writer's earlier attempts was stored without an acknowledgement. */
  async #put({ state, index, journal }: SubscriptionContent): Promise<void> {
    const { values, id, writer } = this.#options;
    const key = stateKey(id);
    const attempt = this.#attempt;
    const value = encodeSubscription({ writer, attempt, state, index, journal });
    for (let tries = 0; tries < MAX_PUT_ATTEMPTS; tries++) {
      try {
        this.#revision = await values.put(key, value, { expectedRevision: this.#revision });
        return;
      } catch (error) {
        if (!(error instanceof PublishConflict)) throw error;
      }
      const stored = await values.get(key);
      if (stored === undefined) {
        // The removal of a deleted subscription has come through late.
        if (this.#content.state !== undefined) this.#lose();
        this.#revision = 0;
        continue;
      }
      const { writer: other, attempt: done } = decodeSubscription(stored.data);
      if (other !== writer) this.#lose();
      this.#revision = stored.revision;
      if (done === attempt) return;
    }
    throw logUnavailable(new Error("a subscription changes while it is stored"));
  }

  /** What a commit leaves unused; what this leaves is found when the subscription is opened next. */
  async #removeUnused(before: SubscriptionContent): Promise<void> {
    const { values, id } = this.#options;
    const { state, letters, index } = this.#content;
    if (state === undefined) {
      if (await removeRemains(values, id, this.#content)) {
        const isRemoved = await removeQuietly([stateKey(id)], (key) => values.delete(key, this.#revision));
        if (isRemoved) this.#revision = 0;
      }
      return;
    }
    const keys: string[] = [];
    if (letters !== before.letters)
      for (const sequence of before.letters.sequences) {
        const letter = before.letters.get(sequence);
        if (letter !== undefined && letters.get(sequence)?.base !== letter.base)
          keys.push(letterKey(id, sequence, letter.base));
      }
    if (before.index !== index && before.index !== "") keys.push(indexKey(id, before.index));
    keys.push(...this.#unusedIndexes.filter((key) => index === "" || key !== indexKey(id, index)));
    this.#unusedIndexes = [];
    await removeQuietly(keys, (key) => values.delete(key));
  }

  async #readLetter(sequence: number, includeRaw: boolean): Promise<DeadLetterRecord | undefined> {
    const { values, id } = this.#options;
    const letter = this.#content.letters.get(sequence);
    if (letter === undefined) return undefined;
    const { attempts, deadTimeMs, failure, redriven, base } = letter;
    const value = await values.get(letterKey(id, sequence, base));
    if (value !== undefined) {
      const record = decodeLetter(value.data, includeRaw);
      return { record, attempts, deadTimeMs, lastFailure: failure, redriven };
    }
    // It may have been acknowledged meanwhile.
    if (this.#content.letters.get(sequence) === undefined) return undefined;
    throw logUnavailable(new UnreadableMessage(`the event of dead letter ${sequence} is missing`));
  }

  #requireHeld(id: string): void {
    const { fence, id: own } = this.#options;
    if (fence.signal.aborted) throw storeTakenOver(fence.signal.reason);
    if (id !== own) throw new TypeError("this store holds another subscription");
  }

  #lose(): never {
    const error = new Error("another process has taken the subscription over");
    this.#options.fence.abort(error);
    throw storeTakenOver(error);
  }
}
