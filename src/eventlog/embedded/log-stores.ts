import type { Timer } from "../../timer.ts";
import type { AnswerLimits, AnswerStore } from "../answer-store.ts";
import type { SubmissionStore } from "../submission-store.ts";
import { AnswerExpiry } from "./answers/answer-expiry.ts";
import { EmbeddedAnswers } from "./answers/embedded-answers.ts";
import { EmbeddedSubscriptions } from "./embedded-subscriptions.ts";
import type { LogConnection } from "./log-connection.ts";
import type { RetentionClockParts } from "./retention-clock.ts";
import { EmbeddedSubmissions } from "./submissions/embedded-submissions.ts";
import type { SubscriptionStore } from "./subscription-store.ts";
import type { WriterClient } from "./writer-client.ts";

/** What {@link LogStores} work with. */
export interface LogStoresParts extends RetentionClockParts {
  readonly connection: LogConnection;
  readonly writer: WriterClient;
  readonly answerLimits: AnswerLimits;
  readonly timer: Timer;
  /** Throws when what was committed is not in the file that the path leads to. */
  readonly requireInPlace: () => void;
  /** Expired answers could not be removed. */
  readonly onExpiryFailed: (error: Error) => void;
}

/** What an open log keeps beside its events, in the same file and written by the same writer. */
export class LogStores {
  readonly subscriptions: SubscriptionStore;
  readonly submissions: SubmissionStore;
  readonly #answers: EmbeddedAnswers;
  readonly #expiry: AnswerExpiry;

  /** @throws an error of node:sqlite */
  constructor(parts: LogStoresParts) {
    const { connection, writer, now, monotonicNow, timer, answerLimits, requireInPlace } = parts;
    const { database, cursors, guard } = connection;
    this.subscriptions = new EmbeddedSubscriptions({
      database,
      cursors,
      guard,
      commit: (changes) => writer.change(changes),
    });
    this.submissions = new EmbeddedSubmissions({
      database,
      guard,
      commit: async (commit) => {
        await writer.changeSubmissions(commit, Math.floor(now()));
        requireInPlace();
      },
    });
    const answers = new EmbeddedAnswers({
      database,
      guard,
      limits: answerLimits,
      now,
      save: async (...batch) => {
        const totals = await writer.saveAnswers(...batch);
        requireInPlace();
        this.#expiry.stored(totals);
        return totals;
      },
    });
    this.#answers = answers;
    this.#expiry = new AnswerExpiry({
      now,
      monotonicNow,
      timer,
      windowMs: answerLimits.windowMs,
      removeStep: (expiredMs) => writer.expireAnswers(expiredMs),
      onTotals: (totals) => answers.totalsChanged(totals),
      onFailed: parts.onExpiryFailed,
    });
    this.#expiry.stored(answers.stored);
  }

  get answers(): AnswerStore {
    return this.#answers;
  }

  /** Gives the writer what waits, and removes nothing more; resolves when the removal in progress has ended. */
  async stop(): Promise<void> {
    this.#answers.flush();
    await this.#expiry.stop();
  }
}
