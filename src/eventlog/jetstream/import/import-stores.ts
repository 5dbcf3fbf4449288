import type { StoredAnswer } from "../../answer-store.ts";
import type { SubmissionRecord } from "../../submission-store.ts";
import type { TransferredDeadLetter, TransferredSubscription } from "../../transfer/transfer-items.ts";

/**
 * Where an import puts what is no event. Nobody else uses it before the import
 * is whole. All methods reject with ServiceError or Error when the server does
 * not store; what was put may be put again.
 */
export interface ImportStores extends AsyncDisposable {
  /** Names of the streams that hold something. */
  streamsInUse(): Promise<readonly string[]>;
  /** Removes what an earlier run has left. */
  clear(): Promise<void>;
  putSubscription(subscription: TransferredSubscription): Promise<void>;
  putDeadLetters(letters: readonly TransferredDeadLetter[]): Promise<void>;
  putSubmissions(records: readonly SubmissionRecord[]): Promise<void>;
  /** Makes sure that no number up to this one is given to a submission again. */
  putLastSubmissionNumber(number: number): Promise<void>;
  putAnswer(requestId: string, answer: StoredAnswer): Promise<void>;
}
