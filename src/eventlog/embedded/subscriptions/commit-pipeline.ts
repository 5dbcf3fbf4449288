import { ensureServiceError, type ServiceError } from "../../../errors.ts";
import type { SubscriptionChange, SubscriptionCommit, SubscriptionStore } from "../subscription-store.ts";

const NOTHING: SubscriptionCommit = { missing: [] };

/** What the steps of one commit share. */
export interface CommitContext {
  readonly changes: SubscriptionChange[];
  /** Sequences among those that may become dead letters that already are. */
  readonly known: ReadonlySet<number>;
  /** Dead letters that this commit adds, as far as it has come. */
  added: number;
}

/** A part of a commit. Its methods never throw, but for prepare. */
export interface CommitStep {
  /** Shares its commit with no other step, and writes the state itself. */
  readonly isAlone: boolean;
  /** Reads what the step needs; a step that cannot be prepared is left out of the commit and fails by itself. */
  readonly prepare?: () => Promise<void>;
  /** Sequences that may become dead letters in this step. */
  readonly dying?: () => readonly number[];
  /** Takes effect in memory, and adds its changes. */
  readonly apply: (context: CommitContext) => void;
  /** The commit is durable. */
  readonly committed: (result: SubscriptionCommit, context: CommitContext) => void;
  /** Nothing of the commit is stored: whatever apply did is to be taken back. Without a context it was never applied. */
  readonly failed: (error: ServiceError, context: CommitContext | undefined) => void;
}

/** What a pipeline needs of its subscription. */
export interface PipelineOwner {
  readonly id: string;
  /** Adds the state as it stands to the changes. */
  readonly putState: (changes: SubscriptionChange[]) => void;
  /** Called after each commit, before those who wait for it go on; without an error when it was stored. */
  readonly onCommit: (error: ServiceError | undefined) => void;
}

/**
 * Writes the changes of one subscription, one commit at a time: the steps that
 * come while one is under way are written together by the next. So the state
 * in memory is never more than one commit ahead of what is stored.
 */
export class CommitPipeline {
  readonly #store: SubscriptionStore;
  readonly #owner: PipelineOwner;
  #steps: CommitStep[] = [];
  #running: Promise<void> | undefined;
  #closedBy: ServiceError | undefined;

  constructor(store: SubscriptionStore, owner: PipelineOwner) {
    this.#store = store;
    this.#owner = owner;
  }

  /** Whether nothing is being written and nothing waits. */
  get isIdle(): boolean {
    return this.#running === undefined;
  }

  /** Adds a step to the next commit. */
  add(step: CommitStep): void {
    if (this.#closedBy !== undefined) {
      step.failed(this.#closedBy, undefined);
      return;
    }
    this.#steps.push(step);
    this.#running ??= this.#run();
  }

  /** Resolves when everything that was added so far is written or has failed. Never rejects. */
  async settled(): Promise<void> {
    await this.#running;
  }

  /** Fails the steps that wait and all that are added from here on. */
  close(reason: ServiceError): void {
    this.#closedBy ??= reason;
    for (const step of this.#steps.splice(0)) step.failed(this.#closedBy, undefined);
  }

  async #run(): Promise<void> {
    // Lets what is done in the same turn share the first commit.
    await Promise.resolve();
    while (this.#steps.length > 0) await this.#commit(this.#nextSteps());
    this.#running = undefined;
  }

  #nextSteps(): CommitStep[] {
    const alone = this.#steps.findIndex((step) => step.isAlone);
    const count = alone < 0 ? this.#steps.length : Math.max(alone, 1);
    return this.#steps.splice(0, count);
  }

  async #commit(steps: readonly CommitStep[]): Promise<void> {
    const ready: CommitStep[] = [];
    for (const step of steps) if (await isPrepared(step)) ready.push(step);
    if (ready.length === 0) return;
    let context: CommitContext | undefined;
    let result: SubscriptionCommit;
    try {
      context = { changes: [], known: await this.#knownDeadLetters(ready), added: 0 };
      for (const step of ready) step.apply(context);
      if (ready[0]?.isAlone !== true) this.#owner.putState(context.changes);
      result = context.changes.length === 0 ? NOTHING : await this.#store.commit(context.changes);
    } catch (cause) {
      const error = ensureServiceError(cause);
      for (const step of ready.toReversed()) step.failed(error, context);
      this.#owner.onCommit(error);
      return;
    }
    for (const step of ready) step.committed(result, context);
    this.#owner.onCommit(undefined);
  }

  async #knownDeadLetters(steps: readonly CommitStep[]): Promise<ReadonlySet<number>> {
    const dying = steps.flatMap((step) => step.dying?.() ?? []);
    if (dying.length === 0) return new Set();
    const among = [...new Set(dying)].sort((a, b) => a - b);
    return new Set(await this.#store.deadLetterSequences(this.#owner.id, among));
  }
}

async function isPrepared(step: CommitStep): Promise<boolean> {
  if (step.prepare === undefined) return true;
  try {
    await step.prepare();
    return true;
  } catch (error) {
    step.failed(ensureServiceError(error), undefined);
    return false;
  }
}
