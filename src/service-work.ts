import type { Config } from "./config/config.ts";
import type { SubscriptionMethods } from "./events/subscription-methods.ts";
import type { RequestDefaults } from "./messages/request-defaults.ts";
import type { SubmissionMethods } from "./messages/submission-methods.ts";
import type { SendSubmission } from "./outbox/outbox.ts";
import type { Check } from "./server/role-check.ts";
import type { ServiceEvents } from "./service-events.ts";
import type { Metrics } from "./telemetry/metrics.ts";

/** What the durable work is done with. */
export interface WorkOptions {
  readonly config: Config;
  readonly defaults: RequestDefaults;
  readonly sendSubmission: SendSubmission;
  readonly metrics: Metrics;
  readonly events: ServiceEvents;
  /** Aborts when the service drains. */
  readonly draining: AbortSignal;
  /** When a draining service closes its streams at the latest, in Unix milliseconds. */
  readonly drainStopTime: () => number;
  /** Unix milliseconds. */
  readonly now: () => number;
  /** Closes what is opened, in reverse order. */
  readonly owned: AsyncDisposableStack;
}

/** The work that outlives calls: subscriptions and submissions, done here or by whoever of the fleet owns it. */
export interface Work {
  readonly subscriptions: SubscriptionMethods;
  readonly submissions: SubmissionMethods;
  /** Whether submissions are taken and sent by some process; undefined when nothing is known against it. Cheap. */
  outboxCheck(): Check | undefined;
  /** Begins to send what is submitted. */
  start(): void;
  /** Sends nothing more; what is on its way has so many milliseconds. */
  drainSubmissions(graceMs: number): Promise<void>;
  /** Ends all sessions. To be called once no stream is open any more. */
  drainSubscriptions(): Promise<void>;
}

/** Opens the work over a storage. */
export type OpenWork = (options: WorkOptions) => Promise<Work>;
