import { create } from "@bufbuild/protobuf";
import { type Event, EventType } from "../../../gen/infobip/events/v1/event_pb.js";
import { MessagesService } from "../../../gen/infobip/messages/v1/messages_service_pb.js";
import { SendResultSchema } from "../../../gen/infobip/messages/v1/send_messages_pb.js";
import {
  SubmissionState,
  SubmissionStateSchema,
  SubmitMessagesRequestSchema,
  UnknownOutcomePolicy,
} from "../../../gen/infobip/messages/v1/submission_pb.js";
import type { CliClock } from "../cli-context.ts";
import { CliError } from "../cli-error.ts";
import { enumName } from "../enum-names.ts";
import type { RpcClient } from "../rpc-client.ts";
import type { DemoMessage } from "./demo-plan.ts";
import type { DemoTally } from "./demo-tally.ts";

/** How long nothing listens at Infobip's address, in milliseconds, counted from the last submission. */
export const OUTAGE_MS = 3_000;
/** Submissions on their way to the service at a time. */
const MAX_CALLS = 16;
/** Longest wait for one answer of the service, in milliseconds. */
const CALL_TIMEOUT_MS = 30_000;

/** What the outage shows, in the order in which it happens. */
export type OutageNews =
  /** A plain send was tried; `reason` and `outcome` are those of its error. */
  | { readonly phase: "refused"; readonly reason: string; readonly outcome: string }
  /** Everything is on disk; nothing will listen for so long. */
  | { readonly phase: "submitted"; readonly count: number; readonly outageMs: number }
  /** Infobip answers again. */
  | {
      readonly phase: "restored";
      readonly states: StateCounts;
      /** Attempts of all submissions so far that sent nothing. */
      readonly failedAttempts: number;
    }
  /** No submission waits or is under way. */
  | { readonly phase: "settled"; readonly afterMs: number };

/** Submissions by state, names as in SubmissionState. */
export type StateCounts = Readonly<Record<string, number>>;

/** States of the demo's submissions, as their events tell them. */
export class SubmissionStates {
  readonly #states = new Map<string, SubmissionState>();
  readonly #settled = Promise.withResolvers<void>();
  readonly #total: number;
  #done = 0;
  /** Attempts that sent nothing and are made again. */
  failedAttempts = 0;

  constructor(total: number) {
    this.#total = total;
  }

  /** Whether as many submissions as there are to be have ended. */
  get isSettled(): boolean {
    return this.#done === this.#total;
  }

  /** Resolves when they have. */
  get settled(): Promise<void> {
    return this.#settled.promise;
  }

  add(event: Event): void {
    if (event.payload.case !== "submission") return;
    const { submission, state, errorReason } = event.payload.value;
    this.#states.set(submission, state);
    if (state === SubmissionState.QUEUED && errorReason !== undefined) this.failedAttempts++;
    if (state !== SubmissionState.QUEUED && state !== SubmissionState.SENDING) this.#done++;
    if (this.isSettled) this.#settled.resolve();
  }

  counts(): StateCounts {
    const counts: Record<string, number> = {};
    for (const state of this.#states.values()) {
      const name = enumName(SubmissionStateSchema, state);
      counts[name] = (counts[name] ?? 0) + 1;
    }
    return counts;
  }
}

/** What {@link submitThroughOutage} works with. */
export interface OutageOptions {
  readonly client: RpcClient;
  readonly messages: readonly DemoMessage[];
  readonly signal: AbortSignal;
  readonly clock: Pick<CliClock, "now" | "sleep">;
  readonly states: SubmissionStates;
  /** Lets Infobip's side begin to listen. */
  readonly restore: () => Promise<void>;
  readonly onNews: (news: OutageNews) => Promise<void>;
}

/**
 * With nothing listening at Infobip's address: tries a plain send, submits all
 * messages, lets Infobip come back, and waits until all submissions have ended.
 */
export async function submitThroughOutage(options: OutageOptions): Promise<void> {
  const { clock, signal, states, onNews } = options;
  await tryPlainSend(options);
  await submitAll(options);
  if (signal.aborted) return;
  await onNews({ phase: "submitted", count: options.messages.length, outageMs: OUTAGE_MS });
  await clock.sleep(OUTAGE_MS, signal);
  if (signal.aborted) return;
  const { failedAttempts } = states;
  const before = states.counts();
  await options.restore();
  const restoredMs = clock.now();
  await onNews({ phase: "restored", states: before, failedAttempts });
  await settledOrAborted(states, signal);
  if (states.isSettled) await onNews({ phase: "settled", afterMs: clock.now() - restoredMs });
}

async function settledOrAborted({ settled }: SubmissionStates, signal: AbortSignal): Promise<void> {
  const { promise: aborted, resolve } = Promise.withResolvers<void>();
  const onAbort = (): void => resolve();
  signal.addEventListener("abort", onAbort, { once: true });
  if (signal.aborted) resolve();
  try {
    await Promise.race([settled, aborted]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

/** Counts what SEND_RESULT events tell as what a plain call would have answered. */
export function addSendResult(event: Event, tally: DemoTally): void {
  if (event.type !== EventType.SEND_RESULT || event.payload.case !== "sendResult") return;
  const { outcome } = event.payload.value;
  tally.addResult(create(SendResultSchema, { messageId: event.messageId ?? "", outcome }));
}

async function tryPlainSend({ client, messages, signal, onNews }: OutageOptions): Promise<void> {
  const [first] = messages;
  if (first === undefined) return;
  try {
    await client.unary(MessagesService.method.sendMessages, first.request, {
      signal,
      timeoutMs: CALL_TIMEOUT_MS,
    });
  } catch (error) {
    if (!(error instanceof CliError) || signal.aborted) throw error;
    await onNews({ phase: "refused", reason: error.reason, outcome: error.metadata.outcome ?? "" });
    return;
  }
  throw new CliError("OUTAGE_MISSING", "something answered at the address where nothing should listen yet");
}

async function submitAll({ client, messages, signal }: OutageOptions): Promise<void> {
  const queue = messages.values();
  const submitter = async (): Promise<void> => {
    for (const { messageId, request } of queue) {
      if (signal.aborted) return;
      const submission = create(SubmitMessagesRequestSchema, {
        requestId: messageId,
        messages: request.messages,
        unknownOutcomePolicy: UnknownOutcomePolicy.AT_LEAST_ONCE,
      });
      await client.unary(MessagesService.method.submitMessages, submission, {
        signal,
        timeoutMs: CALL_TIMEOUT_MS,
      });
    }
  };
  await Promise.all(Array.from({ length: MAX_CALLS }, submitter));
}
