import { randomBytes, randomUUID } from "node:crypto";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { EventsService } from "../gen/infobip/events/v1/events_service_pb.js";
import { MessagesService } from "../gen/infobip/messages/v1/messages_service_pb.js";
import type { NatsConfig } from "./config/nats-config.ts";
import { ServiceError } from "./errors.ts";
import type { AnswerStore } from "./eventlog/answer-store.ts";
import { makeFolder } from "./eventlog/embedded/make-folder.ts";
import { inaccessible } from "./eventlog/embedded/open-failure.ts";
import { lockForWriting } from "./eventlog/embedded/writer-lock.ts";
import { openJetStreamAnswers } from "./eventlog/jetstream/answers/jetstream-answers.ts";
import type { JetStreamLog } from "./eventlog/jetstream/jetstream-log.ts";
import { openJetStreamLog } from "./eventlog/jetstream/open-jetstream-log.ts";
import {
  answersLayout,
  outboxLayout,
  outboxStreamBytes,
  ownersLayout,
  storeSubject,
  subscriptionsLayout,
} from "./eventlog/jetstream/store-layouts.ts";
import { createSubscriptionListing } from "./eventlog/jetstream/subscriptions/subscription-listing.ts";
import {
  createRoutedSubscriptionMethods,
  REPEATABLE_SUBSCRIPTION_METHODS,
} from "./events/routed-subscription-methods.ts";
import { openFleet } from "./fleet/open-fleet.ts";
import {
  createRoutedSubmissionMethods,
  OUTBOX_UNIT,
  REPEATABLE_SUBMISSION_METHODS,
} from "./messages/routed-submission-methods.ts";
import { streamState } from "./nats/streams.ts";
import type { Values } from "./nats/values.ts";
import type { Role } from "./roles.ts";
import type { Check } from "./server/role-check.ts";
import { FleetMetricsSources } from "./service-fleet-sources.ts";
import { fleetUnits } from "./service-fleet-units.ts";
import { type Nats, openNats, starting } from "./service-nats.ts";
import type { Storage, StorageOptions } from "./service-storage.ts";
import type { Work, WorkOptions } from "./service-work.ts";
import { systemTimer } from "./timer.ts";

/** What of the storage is open in this process. */
interface FleetParts {
  readonly config: NatsConfig;
  readonly nats: Nats;
  readonly log: JetStreamLog;
  readonly owners: Values;
  readonly subscriptions: Values | undefined;
  readonly outboxStream: string | undefined;
  readonly directory: string;
}

/**
 * Opens the storage that a fleet shares over NATS, with what this process's
 * roles need of it. Rejects with StartError or EventLogOpenError.
 */
export async function openFleetStorage(config: NatsConfig, options: StorageOptions): Promise<Storage> {
  const { events, owned } = options;
  const { roles, dataDir, eventlog } = options.config;
  const { prefix, replicas, dedupeWindowMs } = config;
  const does = (role: Role): boolean => roles.includes(role);
  const directory = await ownDirectory(join(dataDir, `nats-${prefix}`), owned);
  const nats = await openNats(config, owned);
  owned.defer(nats.link.onDisconnected(events.fleet.disconnected));
  owned.defer(nats.link.onReconnected(events.fleet.reconnected));
  const log = owned.use(
    await starting(
      openJetStreamLog({
        link: nats.link,
        publisher: nats.publisher,
        prefix,
        replicas,
        retention: eventlog.retention,
        dedupeWindowMs,
        withReplica: does("events"),
        directory: join(directory, "log"),
        hooks: {
          onTrouble: events.logTroubled,
          onRecovered: events.logRecovered,
          onDamaged: events.logDamaged,
          ...events.fleet.log,
        },
      }),
    ),
  );
  const owners = await nats.values(ownersLayout({ prefix, replicas }), storeSubject(prefix, "owners"));
  const parts: FleetParts = {
    config,
    nats,
    log,
    owners,
    directory: join(directory, "outbox"),
    subscriptions: does("events") ? await openSubscriptions(nats, config) : undefined,
    outboxStream: does("send") ? await openOutboxStream(nats, config, options) : undefined,
  };
  return {
    log,
    failed: log.failed,
    answers: does("send") ? owned.use(await openAnswers(nats, config, options)) : NO_ANSWERS,
    readsEvents: does("events"),
    checks: () => ({ eventlog: log.appendHealth(), ...(does("events") ? { replica: log.health() } : {}) }),
    follower: () => log.follower,
    openWork: (work) => openFleetWork(parts, work),
  };
}

/** A folder that no other process uses at the same time, without what an earlier one has left half done. */
async function ownDirectory(directory: string, owned: AsyncDisposableStack): Promise<string> {
  try {
    makeFolder(directory, 0o700);
  } catch (error) {
    throw inaccessible(directory, error);
  }
  owned.use(lockForWriting(join(directory, "process.lock")));
  await rm(join(directory, "outbox"), { recursive: true, force: true });
  return directory;
}

function openSubscriptions(
  nats: Nats,
  { prefix, replicas, subscriptionsBytes }: NatsConfig,
): Promise<Values> {
  const layout = subscriptionsLayout({ prefix, replicas, maxBytes: subscriptionsBytes });
  return nats.values(layout, storeSubject(prefix, "subscriptions"));
}

async function openOutboxStream(
  nats: Nats,
  { prefix, replicas }: NatsConfig,
  { config }: StorageOptions,
): Promise<string> {
  const maxBytes = outboxStreamBytes(config.submissions);
  const layout = outboxLayout({ prefix, replicas, maxBytes });
  await nats.values(layout, storeSubject(prefix, "outbox"));
  return layout.name;
}

async function openAnswers(
  nats: Nats,
  { prefix, replicas }: NatsConfig,
  { config }: StorageOptions,
): Promise<AnswerStore & AsyncDisposable> {
  const limits = config.sending.requestIds;
  const layout = answersLayout({ prefix, replicas, ...limits });
  const values = await nats.values(layout, storeSubject(prefix, "answers"));
  const state = () => streamState(nats.link, layout.name);
  return starting(openJetStreamAnswers({ values, state, limits, timer: systemTimer }));
}

/** In a process that does not send. */
const NO_ANSWERS: AnswerStore = {
  find: () => Promise.resolve(undefined),
  hasRoom: () => false,
  save: () => Promise.resolve(),
};

async function openFleetWork(parts: FleetParts, work: WorkOptions): Promise<Work> {
  const { config, nats, log, owners, subscriptions, outboxStream } = parts;
  const { owned, metrics, events } = work;
  const instanceId = randomBytes(8).toString("hex");
  const sources = new FleetMetricsSources();
  const { prefix } = config;
  const fleet = owned.use(
    await openFleet({
      link: nats.link,
      owners,
      prefix: prefix.toLowerCase(),
      instanceId,
      kinds: fleetUnits({ ...parts, prefix, instanceId, work, sources }),
      services: [MessagesService, EventsService],
      idempotent: new Set([...REPEATABLE_SUBSCRIPTION_METHODS, ...REPEATABLE_SUBMISSION_METHODS]),
      errors: {
        onInternalError: events.internalError,
        newErrorId: randomUUID,
      },
      timer: systemTimer,
      now: work.now,
      random: Math.random,
      limits: { drainMs: work.config.drainTimeoutMs },
      hooks: events.fleet.units,
    }),
  );
  metrics.observeFleet({ fleet, link: nats.link, follower: () => log.follower });
  if (subscriptions !== undefined) metrics.observeSubscriptions(sources.subscriptions);
  if (outboxStream !== undefined) metrics.observeOutbox(sources.outbox, sources.outbox);
  const directory = createSubscriptionListing(subscriptions ?? NOTHING);
  return {
    subscriptions: createRoutedSubscriptionMethods({
      units: fleet,
      directory,
      logId: log.id,
      draining: work.draining,
    }),
    submissions: createRoutedSubmissionMethods(fleet),
    outboxCheck: () => checkOfTrouble(fleet.trouble(OUTBOX_UNIT)),
    start: () => {
      if (outboxStream !== undefined) fleet.keep(OUTBOX_UNIT);
    },
    // Streams of subscriptions are told by the units themselves, whichever process their clients are connected to.
    drainSubmissions: () => fleet.drain(),
    drainSubscriptions: () => fleet.drain(),
  };
}

function checkOfTrouble(trouble: unknown): Check | undefined {
  if (trouble === undefined) return undefined;
  const reason = trouble instanceof ServiceError ? trouble.reason : "INTERNAL";
  return { ok: false, reason: `no instance can open it: ${reason}` };
}

/** In a process without subscriptions. */
const NOTHING: Pick<Values, "get" | "keys"> = {
  get: () => Promise.resolve(undefined),
  keys: () => Promise.resolve([]),
};
