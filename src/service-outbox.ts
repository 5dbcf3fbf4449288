import type { Config } from "./config/config.ts";
import type { SubmissionStore } from "./eventlog/submission-store.ts";
import { createOutbox, type RunningOutbox } from "./outbox/create-outbox.ts";
import type { SendSubmission } from "./outbox/outbox.ts";
import type { ServiceEvents } from "./service-events.ts";
import { systemTimer } from "./timer.ts";

/** What the outbox works with. */
export interface ServiceOutboxOptions {
  readonly config: Config;
  readonly store: SubmissionStore;
  readonly send: SendSubmission;
  readonly events: ServiceEvents;
  /** Unix milliseconds. */
  readonly now: () => number;
}

/** Opens the outbox over its store; it takes up what an earlier process has left, and sends once it is started. */
export function openOutbox({
  config,
  store,
  send,
  events,
  now,
}: ServiceOutboxOptions): Promise<RunningOutbox> {
  return createOutbox({
    store,
    send,
    now,
    timer: systemTimer,
    random: Math.random,
    limits: config.submissions,
    hooks: {
      onHeld: events.sending.outboxHeld,
      onResumed: events.sending.outboxResumed,
      onTrouble: events.sending.outboxTroubled,
      onInternalError: (error) => events.internalError(error, "", "outbox"),
    },
  });
}
