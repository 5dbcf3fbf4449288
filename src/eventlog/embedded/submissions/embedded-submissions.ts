import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { SubmissionState } from "../../../../gen/infobip/messages/v1/submission_pb.js";
import type {
  SubmissionCommit,
  SubmissionCounts,
  SubmissionPage,
  SubmissionQuery,
  SubmissionRecord,
  SubmissionStore,
} from "../../submission-store.ts";
import type { ReadGuard } from "../read-guard.ts";
import { SubmissionLists } from "./submission-lists.ts";
import { SubmissionReader } from "./submission-reader.ts";

/** What {@link EmbeddedSubmissions} works with. */
export interface EmbeddedSubmissionsParts {
  /** The reading connection. */
  readonly database: DatabaseSync;
  readonly guard: ReadGuard;
  readonly commit: (commit: SubmissionCommit) => Promise<void>;
}

/** See {@link SubmissionStore}. */
export class EmbeddedSubmissions implements SubmissionStore {
  readonly #parts: EmbeddedSubmissionsParts;
  readonly #reader: SubmissionReader;
  readonly #lists: SubmissionLists;
  readonly #totals: StatementSync;
  readonly #lastNumber: StatementSync;

  /** @throws an error of node:sqlite */
  constructor(parts: EmbeddedSubmissionsParts) {
    const { database } = parts;
    this.#parts = parts;
    this.#reader = new SubmissionReader(database);
    this.#lists = new SubmissionLists(database);
    this.#totals = database.prepare("SELECT state, submissions, bytes FROM submission_totals");
    this.#totals.setReturnArrays(true);
    this.#lastNumber = database.prepare("SELECT last_number FROM submission_state");
  }

  async commit(commit: SubmissionCommit): Promise<void> {
    const { records, removed, events } = commit;
    if (records.length + removed.length + events.length > 0) await this.#parts.commit(commit);
  }

  async get(id: string): Promise<SubmissionRecord | undefined> {
    return this.#parts.guard.run(() => this.#reader.get(id));
  }

  async list(query: SubmissionQuery): Promise<SubmissionPage> {
    return this.#parts.guard.run(() => this.#lists.page(query));
  }

  async due(
    timeMs: number,
    after: { readonly dueTimeMs: number; readonly number: number } | undefined,
    limit: number,
    maxBytes: number,
  ): Promise<readonly SubmissionRecord[]> {
    return this.#parts.guard.run(() => this.#reader.due(timeMs, after, limit, maxBytes));
  }

  async nextDue(afterMs: number): Promise<number | undefined> {
    return this.#parts.guard.run(() => this.#reader.nextDue(afterMs));
  }

  async expired(timeMs: number, limit: number, maxBytes: number): Promise<readonly SubmissionRecord[]> {
    return this.#parts.guard.run(() => this.#reader.expired(timeMs, limit, maxBytes));
  }

  async nextExpiry(): Promise<number | undefined> {
    return this.#parts.guard.run(() => this.#reader.nextExpiry());
  }

  async sending(after: number, limit: number, maxBytes: number): Promise<readonly SubmissionRecord[]> {
    return this.#parts.guard.run(() => this.#reader.sending(after, limit, maxBytes));
  }

  async doneBefore(timeMs: number, limit: number): Promise<readonly number[]> {
    return this.#parts.guard.run(() => this.#reader.doneBefore(timeMs, limit));
  }

  async counts(): Promise<SubmissionCounts> {
    return this.#parts.guard.run(() => {
      const rows = this.#totals.all() as unknown as [SubmissionState, count: number, bytes: number][];
      const some = rows.filter(([, count]) => count > 0);
      return {
        byState: new Map(some.map(([state, count]) => [state, count])),
        bytes: some.reduce((sum, [, , bytes]) => sum + bytes, 0),
        lastNumber: Number(this.#lastNumber.get()?.last_number),
      };
    });
  }
}
