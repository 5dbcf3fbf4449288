import type { AcceptedMessage } from "./accepted-message.ts";
import { BoundedMap } from "./bounded-map.ts";
import { MAX_REMEMBERED_MESSAGE_IDS, MAX_REMEMBERED_MESSAGES } from "./limits.ts";

/** What happened to one message id. */
export interface MessageIdCounts {
  /** Times a message with the id was accepted. More than 1 means that it was sent twice. */
  readonly accepted: number;
  /** Times a message with the id was refused as a duplicate. */
  readonly duplicates: number;
  /** Times a message with the id was refused for another reason. */
  readonly rejected: number;
}

/** What became of a message when it arrived. */
export type Verdict = keyof MessageIdCounts;

const NONE: MessageIdCounts = { accepted: 0, duplicates: 0, rejected: 0 };

/** Remembers messages and counts them, in all and by id. */
export class Ledger {
  readonly #byId = new BoundedMap<string, MessageIdCounts>(MAX_REMEMBERED_MESSAGE_IDS);
  readonly #messages = new BoundedMap<number, AcceptedMessage>(MAX_REMEMBERED_MESSAGES);
  #totals: MessageIdCounts = NONE;
  #sequence = 0;

  get totals(): MessageIdCounts {
    return this.#totals;
  }

  counts(messageId: string): MessageIdCounts {
    return this.#byId.get(messageId) ?? NONE;
  }

  /** The latest accepted messages, oldest first. */
  messages(): AcceptedMessage[] {
    return this.#messages.values();
  }

  record(message: AcceptedMessage, verdict: Verdict): void {
    this.#totals = plusOne(this.#totals, verdict);
    this.#byId.set(message.messageId, plusOne(this.counts(message.messageId), verdict));
    if (verdict === "accepted") this.#messages.set(this.#sequence++, message);
  }

  clear(): void {
    this.#byId.clear();
    this.#messages.clear();
    this.#totals = NONE;
  }
}

function plusOne(counts: MessageIdCounts, verdict: Verdict): MessageIdCounts {
  return { ...counts, [verdict]: counts[verdict] + 1 };
}
