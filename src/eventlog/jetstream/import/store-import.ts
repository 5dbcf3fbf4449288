import { NO_ITEMS, type TransferCounts } from "../../transfer/transfer-format.ts";
import type { TransferItem, TransferredAnswer } from "../../transfer/transfer-items.ts";
import { COUNT_OF_ITEM } from "../../transfer/write-transfer.ts";
import type { ImportStores } from "./import-stores.ts";

/** Puts what is no event of a transfer file into the stores. */
export class StoreImport {
  readonly #stores: ImportStores;
  readonly #lastSubmissionNumber: number;
  readonly #expiredMs: number;
  readonly #counts: Record<keyof TransferCounts, number> = { ...NO_ITEMS };
  #expiredAnswers = 0;

  /** Answers that were given at `expiredMs` or before are left out. */
  constructor(stores: ImportStores, lastSubmissionNumber: number, expiredMs: number) {
    this.#stores = stores;
    this.#lastSubmissionNumber = lastSubmissionNumber;
    this.#expiredMs = expiredMs;
  }

  /** What was put so far, answers that were left out included. */
  get counts(): TransferCounts {
    return { ...this.#counts };
  }

  get expiredAnswers(): number {
    return this.#expiredAnswers;
  }

  /** Puts items of a frame, which are of one kind; resolves when they are stored. */
  async put(items: readonly TransferItem[]): Promise<void> {
    await this.#putAll(items);
    for (const { kind } of items) this.#counts[COUNT_OF_ITEM[kind]]++;
  }

  /** Puts what comes last. */
  async finish(): Promise<void> {
    await this.#stores.putLastSubmissionNumber(this.#lastSubmissionNumber);
  }

  async #putAll(items: readonly TransferItem[]): Promise<void> {
    switch (items[0]?.kind) {
      case "subscription":
        for (const item of ofKind(items, "subscription")) await this.#stores.putSubscription(item);
        break;
      case "deadLetter":
        await this.#stores.putDeadLetters(ofKind(items, "deadLetter"));
        break;
      case "submission":
        await this.#stores.putSubmissions(ofKind(items, "submission").map(({ record }) => record));
        break;
      case "answer":
        await Promise.all(ofKind(items, "answer").map((answer) => this.#putAnswer(answer)));
        break;
      default:
    }
  }

  async #putAnswer({ requestId, saveTimeMs, payloadHash, response }: TransferredAnswer): Promise<void> {
    if (saveTimeMs <= this.#expiredMs) this.#expiredAnswers++;
    else await this.#stores.putAnswer(requestId, { payloadHash, response });
  }
}

function ofKind<K extends TransferItem["kind"]>(
  items: readonly TransferItem[],
  kind: K,
): Extract<TransferItem, { kind: K }>[] {
  return items.filter((item) => item.kind === kind) as Extract<TransferItem, { kind: K }>[];
}
