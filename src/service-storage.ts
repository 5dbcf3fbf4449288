import type { Config } from "./config/config.ts";
import type { AnswerStore } from "./eventlog/answer-store.ts";
import type { EmbeddedEventLog } from "./eventlog/embedded/embedded-log.ts";
import type { EmbeddedLogOptions } from "./eventlog/embedded/open-embedded-log.ts";
import type { EventLog } from "./eventlog/event-log.ts";
import type { FollowerState } from "./role-checks.ts";
import type { Check, Checks } from "./server/role-check.ts";
import type { ServiceEvents } from "./service-events.ts";
import type { OpenWork } from "./service-work.ts";

/** Opens an embedded event log. */
export type OpenLog = (options: EmbeddedLogOptions) => Promise<EmbeddedEventLog>;

/** What the service keeps, and where. */
export interface Storage {
  readonly log: EventLog;
  /** Resolves with the reason when the storage can no longer be used by this process. */
  readonly failed: Promise<Error>;
  /** Answers to calls with a request id. */
  readonly answers: AnswerStore;
  /** Whether this process can read events, and not only store them. */
  readonly readsEvents: boolean;
  /** What the probes are to say of the storage; `eventlog`: whether events can be stored. Cheap. */
  checks(): Checks & { readonly eventlog: Check };
  /** How far this process's copy of the log has come; undefined where the log itself is read. Cheap. */
  follower(): FollowerState | undefined;
  /** Opens what works on the storage; once. */
  readonly openWork: OpenWork;
}

/** What storage is opened with. */
export interface StorageOptions {
  readonly config: Config;
  /** For the embedded engine. */
  readonly openLog: OpenLog | undefined;
  /** Unix milliseconds. */
  readonly now: () => number;
  readonly events: ServiceEvents;
  /** Closes what is opened, in reverse order. */
  readonly owned: AsyncDisposableStack;
}

/** Opens the storage that the configuration names; rejects with EventLogOpenError. The client of NATS is loaded only for that engine. */
export async function openStorage(options: StorageOptions): Promise<Storage> {
  const { nats } = options.config.eventlog;
  if (nats !== undefined) {
    const { openFleetStorage } = await import("./service-fleet.ts");
    return openFleetStorage(nats, options);
  }
  const { openEmbeddedStorage } = await import("./service-embedded.ts");
  return openEmbeddedStorage(options);
}
