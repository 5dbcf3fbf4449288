import type { ObservedListeners } from "./connection-metrics.ts";
import type { ObservedFleet } from "./fleet-metrics.ts";
import type { ObservedLog } from "./log-metrics.ts";
import type { ObservedOutbox, ObservedSubmissions } from "./outbox-metrics.ts";
import type { ObservedSendQueue } from "./sending-metrics.ts";
import type { ObservedSubscriptions } from "./subscription-metrics.ts";
import type { ObservedTls } from "./tls-metrics.ts";
import type { ObservedWatches } from "./watch-metrics.ts";

/** What is open and can be read, as it was made known to the metrics. Undefined: not open, or not in this process. */
export interface Observed {
  log?: ObservedLog;
  subscriptions?: ObservedSubscriptions;
  watches?: ObservedWatches;
  sendQueue?: ObservedSendQueue;
  outbox?: ObservedOutbox;
  submissions?: ObservedSubmissions;
  fleet?: ObservedFleet;
  tls?: ObservedTls;
  listeners?: ObservedListeners;
}
