import { randomUUID } from "node:crypto";
import { logUnavailable } from "./eventlog/embedded/log-errors.ts";
import type { SubscriptionStore } from "./eventlog/embedded/subscription-store.ts";
import { decodeState } from "./eventlog/embedded/subscriptions/subscription-state.ts";
import type { JetStreamLog } from "./eventlog/jetstream/jetstream-log.ts";
import { storeSubject } from "./eventlog/jetstream/store-layouts.ts";
import { openFencedSubmissions } from "./eventlog/jetstream/submissions/open-fenced-submissions.ts";
import { openStreamAccess } from "./eventlog/jetstream/submissions/open-stream-access.ts";
import { openFencedSubscription } from "./eventlog/jetstream/subscriptions/open-fenced-subscription.ts";
import { SUBSCRIPTION_UNIT_KIND, subscriptionOfUnit } from "./events/subscription-unit-names.ts";
import type { OpenUnitHere, UnitKinds } from "./fleet/unit.ts";
import { OUTBOX_UNIT } from "./messages/routed-submission-methods.ts";
import type { Values } from "./nats/values.ts";
import type { FleetMetricsSources } from "./service-fleet-sources.ts";
import type { Nats } from "./service-nats.ts";
import { openOutbox } from "./service-outbox.ts";
import { openOutboxUnit } from "./service-outbox-unit.ts";
import { openSubscriptionUnit } from "./service-subscription-unit.ts";
import type { WorkOptions } from "./service-work.ts";
import { systemTimer } from "./timer.ts";

/** What the units of this process work with. */
export interface FleetUnitsOptions {
  readonly nats: Nats;
  readonly prefix: string;
  readonly log: JetStreamLog;
  /** Undefined without the role events. */
  readonly subscriptions: Values | undefined;
  /** Name of the stream of submissions; undefined without the role send. */
  readonly outboxStream: string | undefined;
  /** For the copies of the outbox. */
  readonly directory: string;
  readonly instanceId: string;
  readonly work: WorkOptions;
  /** Told of what is open, for the metrics. */
  readonly sources: FleetMetricsSources;
}

/** Kinds of units that this process may own, by its roles. */
export function fleetUnits(options: FleetUnitsOptions): UnitKinds {
  const { subscriptions, outboxStream } = options;
  return {
    ...(subscriptions && { [SUBSCRIPTION_UNIT_KIND]: openSubscriptions(options, subscriptions) }),
    ...(outboxStream !== undefined && { [OUTBOX_UNIT]: openSubmissions(options, outboxStream) }),
  };
}

function openSubscriptions(
  { log, instanceId, work, sources }: FleetUnitsOptions,
  values: Values,
): OpenUnitHere {
  return async (unit) => {
    const fenced = await openFencedSubscription(subscriptionOfUnit(unit), { values, log, instanceId });
    try {
      await requireReached(log, fenced.store);
      return openSubscriptionUnit({
        fenced,
        log,
        now: work.now,
        timer: systemTimer,
        newSessionId: randomUUID,
        drainMs: work.config.drainTimeoutMs,
        observe: (engine) => sources.subscriptions.add(engine),
      });
    } catch (error) {
      await fenced[Symbol.asyncDispose]();
      throw error;
    }
  };
}

/** An owner whose copy of the log ends before the subscription's position would take what it does not have yet for lost. */
async function requireReached(log: JetStreamLog, store: SubscriptionStore): Promise<void> {
  for (const { state } of store.load()) {
    const { position } = decodeState(state);
    await log.reach(position);
    if (log.bounds().head < position) {
      throw logUnavailable(new Error("this process's copy of the event log is behind the subscription"));
    }
  }
}

function openSubmissions(
  { nats, prefix, log, directory, instanceId, work, sources }: FleetUnitsOptions,
  stream: string,
): OpenUnitHere {
  const { config, defaults, events, now, sendSubmission } = work;
  return async () => {
    const fenced = await openFencedSubmissions({
      publisher: nats.publisher,
      stream: openStreamAccess({ link: nats.link, stream, timer: systemTimer }),
      root: storeSubject(prefix, "outbox"),
      maxPayload: nats.link.maxPayload,
      log,
      instanceId,
      directory,
      timer: systemTimer,
    });
    const shown = new DisposableStack();
    return openOutboxUnit({
      fenced: {
        store: fenced.store,
        fenced: fenced.fenced,
        // Also when the unit is given up before its store is fenced.
        [Symbol.asyncDispose]: () => {
          shown.dispose();
          return fenced[Symbol.asyncDispose]();
        },
      },
      openOutbox: async (store) => {
        const outbox = await openOutbox({ config, store, send: sendSubmission, events, now });
        shown.use(sources.outbox.opened(outbox, store));
        return outbox;
      },
      defaults,
      now,
      drainMs: config.drainTimeoutMs,
    });
  };
}
