import { randomUUID } from "node:crypto";
import type { EmbeddedEventLog } from "./eventlog/embedded/embedded-log.ts";
import { openEmbeddedLog } from "./eventlog/embedded/open-embedded-log.ts";
import { createSubscriptionEngine } from "./eventlog/embedded/subscriptions/create-subscription-engine.ts";
import { createSubscriptionMethods } from "./events/subscription-methods.ts";
import { createSubmissionMethods } from "./messages/submission-methods.ts";
import { openOutbox } from "./service-outbox.ts";
import type { Storage, StorageOptions } from "./service-storage.ts";
import type { Work, WorkOptions } from "./service-work.ts";
import { systemTimer } from "./timer.ts";

/** Opens the storage of one process, in its own files. Rejects with EventLogOpenError. */
export async function openEmbeddedStorage({
  config,
  openLog = openEmbeddedLog,
  now,
  events,
  owned,
}: StorageOptions): Promise<Storage> {
  const log = owned.use(
    await openLog({
      directory: config.dataDir,
      retention: config.eventlog.retention,
      answers: config.sending.requestIds,
      now,
      onTrouble: events.logTroubled,
      onRecovered: events.logRecovered,
      onDamaged: events.logDamaged,
      onRetentionFailed: events.retentionFailed,
    }),
  );
  return {
    log,
    failed: log.failed,
    answers: log.answers,
    readsEvents: true,
    checks: () => ({ eventlog: log.health() }),
    follower: () => undefined,
    openWork: (options) => openEmbeddedWork(log, options),
  };
}

async function openEmbeddedWork(log: EmbeddedEventLog, options: WorkOptions): Promise<Work> {
  const { config, sendSubmission, metrics, events, defaults, draining, drainStopTime, now, owned } = options;
  const engine = owned.use(
    createSubscriptionEngine({
      log,
      store: log.subscriptions,
      now,
      timer: systemTimer,
      newSessionId: randomUUID,
    }),
  );
  metrics.observeSubscriptions(engine);
  const outbox = owned.use(
    await openOutbox({ config, store: log.submissions, send: sendSubmission, events, now }),
  );
  metrics.observeOutbox(outbox, log.submissions);
  return {
    subscriptions: createSubscriptionMethods({ log, engine, draining, drainStopTime, now }),
    submissions: createSubmissionMethods({ outbox, defaults, now }),
    start: () => outbox.start(),
    outboxCheck: () => undefined,
    drainSubmissions: (graceMs) => outbox.drain(graceMs),
    drainSubscriptions: () => engine.drain(),
  };
}
