import { randomUUID } from "node:crypto";
import type { Config } from "./config/config.ts";
import type { EmbeddedEventLog } from "./eventlog/embedded/embedded-log.ts";
import { type EmbeddedLogOptions, openEmbeddedLog } from "./eventlog/embedded/open-embedded-log.ts";
import { createSubscriptionEngine } from "./eventlog/embedded/subscriptions/create-subscription-engine.ts";
import type { SubscriptionEngine } from "./eventlog/subscription-engine.ts";
import type { ServiceEvents } from "./service-events.ts";
import { systemTimer } from "./timer.ts";

/** Opens an event log. */
export type OpenLog = (options: EmbeddedLogOptions) => Promise<EmbeddedEventLog>;

/** What the service keeps. */
export interface Storage {
  readonly log: EmbeddedEventLog;
  readonly subscriptions: SubscriptionEngine;
}

/** What storage is opened with. */
export interface StorageOptions {
  readonly config: Config;
  readonly openLog: OpenLog | undefined;
  /** Unix milliseconds. */
  readonly now: () => number;
  readonly events: ServiceEvents;
  /** Closes what is opened, in reverse order. */
  readonly owned: AsyncDisposableStack;
}

/** Opens the log and its subscriptions; rejects with EventLogOpenError. */
export async function openStorage({
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
  const subscriptions = owned.use(
    createSubscriptionEngine({
      log,
      store: log.subscriptions,
      now,
      timer: systemTimer,
      newSessionId: randomUUID,
    }),
  );
  return { log, subscriptions };
}
