import { SubmissionState, UnknownOutcomePolicy } from "../../../../gen/infobip/messages/v1/submission_pb.js";
import { askJetStream } from "../../../nats/jetstream-api.ts";
import type { NatsLink } from "../../../nats/nats-link.ts";
import type { Publisher } from "../../../nats/publisher.ts";
import type { StreamLayout } from "../../../nats/stream-layout.ts";
import { createValues } from "../../../nats/stream-values.ts";
import { ensureStream, streamState } from "../../../nats/streams.ts";
import type { ClockTimer } from "../../../timer.ts";
import type { AnswerLimits, AnswerStore, StoredAnswer } from "../../answer-store.ts";
import type { SubmissionRecord } from "../../submission-store.ts";
import type { TransferredDeadLetter, TransferredSubscription } from "../../transfer/transfer-items.ts";
import { openJetStreamAnswers } from "../answers/jetstream-answers.ts";
import {
  answersLayout,
  type OutboxLimits,
  outboxLayout,
  outboxStreamBytes,
  storeSubject,
  subscriptionsLayout,
} from "../store-layouts.ts";
import { type OpenSubmissions, openFencedSubmissions } from "../submissions/open-fenced-submissions.ts";
import { openStreamAccess } from "../submissions/open-stream-access.ts";
import { type OpenSubscription, openFencedSubscription } from "../subscriptions/open-fenced-subscription.ts";
import type { ImportStores } from "./import-stores.ts";
import { TransferredLetters } from "./transferred-letters.ts";

/** Name under which an import holds stores that have one holder. */
const INSTANCE_ID = "import";

/** What {@link openImportStores} works with. */
export interface ImportStoresParts {
  readonly link: NatsLink;
  readonly publisher: Publisher;
  readonly prefix: string;
  readonly replicas: number;
  readonly answers: AnswerLimits;
  readonly submissions: OutboxLimits;
  readonly subscriptionsBytes: number;
  /** Id of the log that is imported. */
  readonly logId: string;
  /** For a copy of the submissions; everything in it is removed. */
  readonly directory: string;
  readonly timer: ClockTimer;
}

/** Opens the streams of the stores, and creates those that are missing. Rejects as ensureStream does. */
export async function openImportStores(parts: ImportStoresParts): Promise<ImportStores> {
  const { link, prefix, replicas, answers, submissions, subscriptionsBytes } = parts;
  const common = { prefix, replicas };
  const layouts = {
    answers: answersLayout({ ...common, maxBytes: answers.maxBytes, windowMs: answers.windowMs }),
    outbox: outboxLayout({ ...common, maxBytes: outboxStreamBytes(submissions) }),
    subscriptions: subscriptionsLayout({ ...common, maxBytes: subscriptionsBytes }),
  };
  for (const layout of Object.values(layouts)) await ensureStream(link, layout);
  return new JetStreamImportStores(parts, layouts);
}

type Layouts = Readonly<Record<"answers" | "outbox" | "subscriptions", StreamLayout>>;

class JetStreamImportStores implements ImportStores {
  readonly #parts: ImportStoresParts;
  readonly #layouts: Layouts;
  readonly #letters: TransferredLetters;
  readonly #opened = new AsyncDisposableStack();
  #answers: Promise<AnswerStore> | undefined;
  #submissions: OpenSubmissions | undefined;
  #subscription: { readonly id: string; readonly open: OpenSubscription } | undefined;

  constructor(parts: ImportStoresParts, layouts: Layouts) {
    this.#parts = parts;
    this.#layouts = layouts;
    this.#letters = new TransferredLetters(parts.logId);
  }

  async streamsInUse(): Promise<readonly string[]> {
    const names = Object.values(this.#layouts).map(({ name }) => name);
    const states = await Promise.all(names.map((name) => streamState(this.#parts.link, name)));
    return names.filter((_, n) => (states[n]?.messages ?? 0) > 0);
  }

  async clear(): Promise<void> {
    for (const { name } of Object.values(this.#layouts))
      await askJetStream(this.#parts.link, `STREAM.PURGE.${name}`);
  }

  async putSubscription({ id, state }: TransferredSubscription): Promise<void> {
    await this.#closeSubscription();
    const { logId: _logId, ...parts } = this.#parts;
    const values = this.#values("subscriptions");
    const open = await openFencedSubscription(id, {
      ...parts,
      values,
      log: this.#letters,
      instanceId: INSTANCE_ID,
    });
    this.#subscription = { id, open };
    await open.store.commit([{ kind: "put", id, state }]);
  }

  async putDeadLetters(letters: readonly TransferredDeadLetter[]): Promise<void> {
    const current = this.#subscription;
    const [first] = letters;
    if (first === undefined) return;
    const id = first.subscriptionId;
    if (current === undefined || letters.some(({ subscriptionId }) => subscriptionId !== current.id))
      throw new RangeError("dead letters do not follow their subscription");
    this.#letters.set(letters);
    const redriven = letters.filter((letter) => letter.redriven).map(({ sequence }) => sequence);
    await current.open.store.commit([
      ...letters.map(({ sequence, attempts, deadTimeMs, failure }) => {
        return { kind: "bury", id, sequence, attempts, deadTimeMs, failure } as const;
      }),
      ...(redriven.length > 0 ? [{ kind: "redrive", id, sequences: redriven } as const] : []),
    ]);
  }

  async putSubmissions(records: readonly SubmissionRecord[]): Promise<void> {
    const { store } = await this.#openSubmissions();
    await store.commit({ records, removed: [], events: [] });
  }

  /** A record with the number is stored and removed again, which the store remembers. */
  async putLastSubmissionNumber(number: number): Promise<void> {
    await this.#closeSubscription();
    if (number === 0) return;
    const { store } = await this.#openSubmissions();
    const { lastNumber } = await store.counts();
    if (lastNumber >= number) return;
    await store.commit({ records: [placeholder(number)], removed: [], events: [] });
    await store.commit({ records: [], removed: [number], events: [] });
  }

  async putAnswer(requestId: string, answer: StoredAnswer): Promise<void> {
    this.#answers ??= this.#openAnswers();
    await (await this.#answers).save(requestId, answer);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#closeSubscription();
    await this.#opened.disposeAsync();
  }

  async #openAnswers(): Promise<AnswerStore> {
    const { link, answers, timer } = this.#parts;
    const state = () => streamState(link, this.#layouts.answers.name);
    const values = this.#values("answers");
    return this.#opened.use(await openJetStreamAnswers({ values, state, limits: answers, timer }));
  }

  async #openSubmissions(): Promise<OpenSubmissions> {
    const { link, publisher, prefix, directory, timer } = this.#parts;
    this.#submissions ??= this.#opened.use(
      await openFencedSubmissions({
        publisher,
        stream: openStreamAccess({ link, stream: this.#layouts.outbox.name, timer }),
        root: storeSubject(prefix, "outbox"),
        maxPayload: link.maxPayload,
        // Events that tell of submissions were imported with the others.
        log: { append: async () => ({ appended: 0, duplicates: 0 }) },
        instanceId: INSTANCE_ID,
        directory,
        timer,
      }),
    );
    return this.#submissions;
  }

  async #closeSubscription(): Promise<void> {
    const current = this.#subscription;
    this.#subscription = undefined;
    await current?.open[Symbol.asyncDispose]();
  }

  #values(store: "answers" | "subscriptions") {
    const { link, publisher, prefix } = this.#parts;
    const stream = this.#layouts[store].name;
    return createValues({ link, publisher, stream, subject: storeSubject(prefix, store) });
  }
}

function placeholder(number: number): SubmissionRecord {
  return {
    number,
    id: `import-${number}`,
    state: SubmissionState.EXPIRED,
    policy: UnknownOutcomePolicy.AT_MOST_ONCE,
    createTimeMs: 0,
    updateTimeMs: 0,
    sendAfterMs: 0,
    expireAfterMs: 0,
    dueTimeMs: 0,
    attempts: 0,
    destinations: 0,
    payloadHash: new Uint8Array(32),
    request: new Uint8Array(),
    outcome: new Uint8Array(),
  };
}
