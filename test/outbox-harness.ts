import { create, fromBinary } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { type Event, EventSchema } from "../gen/infobip/events/v1/event_pb.js";
import { Channel } from "../gen/infobip/messages/v1/channel_pb.js";
import { BaseMessageSchema } from "../gen/infobip/messages/v1/message_pb.js";
import {
  type SendMessagesRequest,
  SendMessagesRequestSchema,
  type SendMessagesResponse,
  SendMessagesResponseSchema,
  SendOutcome,
} from "../gen/infobip/messages/v1/send_messages_pb.js";
import {
  type Submission,
  SubmissionState,
  UnknownOutcomePolicy,
} from "../gen/infobip/messages/v1/submission_pb.js";
import { type Reason, ServiceError, type ServiceErrorOptions } from "../src/errors.ts";
import { createOutbox, type RunningOutbox } from "../src/outbox/create-outbox.ts";
import type { NewSubmission, SendSubmission, SubmissionSendOptions } from "../src/outbox/outbox.ts";
import type { OutboxHooks, OutboxLimits } from "../src/outbox/outbox-options.ts";
import { ManualTimer } from "./fixtures/manual-timer.ts";
import { MemorySubmissionStore } from "./fixtures/memory-submission-store.ts";

export const LIMITS: OutboxLimits = {
  maxWaiting: 1_000,
  maxBytes: 10_000_000,
  maxAgeMs: 3 * 86_400_000,
  retentionMs: 7 * 86_400_000,
};

/** One submission that was handed over for sending, and what the test makes of it. */
export class HandedOver {
  readonly request: SendMessagesRequest;
  readonly options: SubmissionSendOptions;
  readonly promise: Promise<SendMessagesResponse>;
  readonly #settle = Promise.withResolvers<SendMessagesResponse>();
  /** Its requests have left so often. */
  left = 0;
  isOver = false;

  constructor(request: SendMessagesRequest, options: SubmissionSendOptions) {
    this.request = request;
    this.options = options;
    this.promise = this.#settle.promise;
    options.signal.addEventListener("abort", () => {
      this.fail(this.left > 0 ? unknown("CANCELLED") : notSent("CANCELLED", Code.Canceled));
    });
  }

  get messageIds(): readonly string[] {
    return this.request.messages.flatMap((base) =>
      (base.kind.value?.destinations ?? []).map(({ kind }) => kind.value?.messageId ?? ""),
    );
  }

  /** As the queue does when its turn has come: false when it may not leave. */
  async leave(): Promise<boolean> {
    try {
      await this.options.beforeSend();
    } catch (error) {
      this.fail(error);
      return false;
    }
    if (this.isOver) return false;
    this.left++;
    return true;
  }

  answer(...outcomes: SendOutcome[]): void {
    this.isOver = true;
    const results = this.messageIds.map((messageId, index) => ({
      messageIndex: index,
      messageId,
      outcome: outcomes[index] ?? SendOutcome.SENT,
    }));
    this.#settle.resolve(create(SendMessagesResponseSchema, { bulkId: "bulk", results }));
  }

  fail(error: unknown): void {
    this.isOver = true;
    this.#settle.reject(error);
  }
}

/** Makes a store fail. */
export interface StoreFaults {
  /** Commits fail, and nothing of them is stored. */
  commits: boolean;
  /** Commits fail, and are stored all the same. */
  confirmations: boolean;
  reads: boolean;
  /** Results of such reads are held back until it is called off: they are out of date then. */
  held: "due" | "expired" | "get" | undefined;
}

function injectFaults(store: MemorySubmissionStore): StoreFaults {
  const faults: StoreFaults = { commits: false, confirmations: false, reads: false, held: undefined };
  const heldBack =
    <A extends unknown[], R>(name: StoreFaults["held"], read: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      const result = await read(...args);
      while (faults.held === name) await new Promise((resolve) => setImmediate(resolve));
      return result;
    };
  store.due = heldBack("due", store.due.bind(store));
  store.expired = heldBack("expired", store.expired.bind(store));
  store.get = heldBack("get", store.get.bind(store));
  const commit = store.commit.bind(store);
  store.beforeCommit = () => {
    if (faults.commits) throw storeFailure();
  };
  store.beforeRead = () => {
    if (faults.reads) throw storeFailure();
  };
  store.commit = async (changes) => {
    await commit(changes);
    if (faults.confirmations) throw storeFailure();
  };
  return faults;
}

/** An outbox on a store in memory, a clock that goes when told to, and a sender that does what the test says. */
export class OutboxRig implements AsyncDisposable {
  readonly timer: ManualTimer;
  readonly store: MemorySubmissionStore;
  readonly outbox: RunningOutbox;
  readonly handed: HandedOver[];
  readonly faults: StoreFaults;

  constructor(parts: Pick<OutboxRig, "outbox" | "timer" | "store" | "handed" | "faults">) {
    this.outbox = parts.outbox;
    this.timer = parts.timer;
    this.store = parts.store;
    this.handed = parts.handed;
    this.faults = parts.faults;
  }

  /** Those that are not over. */
  get waiting(): readonly HandedOver[] {
    return this.handed.filter(({ isOver }) => !isOver);
  }

  /** Events of the store as `id STATE attempts`, in order. */
  get changes(): readonly string[] {
    return this.store.events.map(({ encoded }) => changeOf(fromBinary(EventSchema, encoded)));
  }

  async submit(id: string, more: Partial<NewSubmission> = {}): Promise<Submission> {
    const submitted = this.outbox.submit(newSubmission(id, more));
    await settled();
    return submitted;
  }

  async stateOf(id: string): Promise<SubmissionState> {
    return (await this.outbox.get(id)).state;
  }

  async advance(ms: number): Promise<void> {
    await settled();
    this.timer.advance(ms);
    await settled();
  }

  /** Lets the one with this id, or the last, leave. */
  async leave(index = this.handed.length - 1): Promise<HandedOver> {
    const handed = this.handed.at(index);
    if (handed === undefined) throw new Error("nothing was handed over");
    const left = handed.leave();
    await settled();
    await left;
    return handed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.outbox[Symbol.asyncDispose]();
  }
}

interface RigOptions {
  readonly limits?: Partial<OutboxLimits>;
  readonly store?: MemorySubmissionStore;
  readonly timer?: ManualTimer;
  readonly hooks?: OutboxHooks;
  /** Default: each submission waits for the test. */
  readonly onHanded?: (handed: HandedOver) => void;
  readonly start?: boolean;
  readonly random?: () => number;
}

export async function openRig(options: RigOptions = {}): Promise<OutboxRig> {
  const timer = options.timer ?? new ManualTimer();
  const store = options.store ?? new MemorySubmissionStore();
  const handed: HandedOver[] = [];
  const faults = injectFaults(store);
  const send: SendSubmission = (request, sendOptions) => {
    const entry = new HandedOver(request, sendOptions);
    handed.push(entry);
    options.onHanded?.(entry);
    return entry.promise;
  };
  const outbox = await createOutbox({
    store,
    send,
    now: timer.wallClock,
    timer,
    random: options.random ?? (() => 0.5),
    limits: { ...LIMITS, ...options.limits },
    hooks: options.hooks,
  });
  if (options.start !== false) outbox.start();
  await settled();
  return new OutboxRig({ outbox, timer, store, handed, faults });
}

/** Lets everything happen that needs no further time. */
export async function settled(turns = 12): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
}

export function newSubmission(id: string, more: Partial<NewSubmission> = {}): NewSubmission {
  const messageIds = more.messageIds ?? [`${id}-1`];
  return {
    requestId: id,
    payloadHash: Buffer.alloc(32, 1),
    request: requestOf(messageIds),
    messageIds,
    policy: UnknownOutcomePolicy.AT_MOST_ONCE,
    sendAfterMs: 0,
    expireAfterMs: 0,
    ...more,
  };
}

function requestOf(messageIds: readonly string[]): SendMessagesRequest {
  const messages = messageIds.map((messageId) =>
    create(BaseMessageSchema, {
      kind: {
        case: "message",
        value: {
          channel: Channel.SMS,
          sender: "InfoSMS",
          destinations: [{ kind: { case: "toDestination", value: { to: "38599", messageId } } }],
          content: { body: { type: { case: "text", value: { text: "hello" } } } },
        },
      },
    }),
  );
  return create(SendMessagesRequestSchema, { messages });
}

export function changeOf({ payload }: Event): string {
  if (payload.case !== "submission") throw new Error("not a submission event");
  const { submission, state, attempts } = payload.value;
  return `${submission.replace("submissions/", "")} ${SubmissionState[state]} ${attempts}`;
}

export function notSent(
  reason: Reason,
  code = Code.Unavailable,
  options: ServiceErrorOptions = {},
): ServiceError {
  return new ServiceError(code, reason, "not sent", {
    ...options,
    metadata: { ...options.metadata, outcome: "NOT_SENT" },
  });
}

export function unknown(reason: Reason = "SEND_OUTCOME_UNKNOWN"): ServiceError {
  return new ServiceError(Code.Unknown, reason, "unknown", { metadata: { outcome: "UNKNOWN" } });
}

export function storeFailure(): ServiceError {
  return new ServiceError(Code.Unavailable, "LOG_UNAVAILABLE", "the disk is full");
}
