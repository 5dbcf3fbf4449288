import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { EmbeddedEventLog } from "../src/eventlog/embedded/embedded-log.ts";
import { openEmbeddedLog } from "../src/eventlog/embedded/open-embedded-log.ts";
import { encodeState } from "../src/eventlog/embedded/subscriptions/subscription-state.ts";
import { UnsettledSet } from "../src/eventlog/embedded/subscriptions/unsettled-set.ts";
import { WebhookReceiver } from "../src/webhook/receiver.ts";
import { bodyOf, deliveryReport } from "./fixtures/webhook-target.ts";

/** Time of the first event's record; each later append comes a second later. */
export const FIRST_TIME_MS = Date.parse("2026-05-04T10:00:00.000Z");

/** A log in a temporary folder, filled as the service fills it. */
export interface LogRig extends AsyncDisposable {
  readonly directory: string;
  /** The log as the service has it open; undefined once it is closed. */
  readonly log: EmbeddedEventLog;
  /** Takes the items of a delivery webhook, with one record time for all. */
  receive(...items: unknown[]): Promise<void>;
  /** Creates a subscription that has come to a position. */
  subscribe(id: string, position: number): Promise<void>;
  /** Closes the log, as a service that stops. */
  close(): Promise<void>;
  /** Runs SQL on the closed file. */
  damage(sql: string): void;
}

export async function startLogRig(): Promise<LogRig> {
  const directory = await mkdtemp(join(tmpdir(), "infobip-rpc-log-"));
  let now = FIRST_TIME_MS - 1_000;
  const log = await openEmbeddedLog({ directory, now: () => now });
  const receiver = new WebhookReceiver({ log, appendTimeoutMs: 5_000 });
  let isClosed = false;
  const close = async () => {
    if (!isClosed) await log[Symbol.asyncDispose]();
    isClosed = true;
  };
  return {
    directory,
    log,
    close,
    async receive(...items) {
      now += 1_000;
      await receiver.receive("delivery", Buffer.from(bodyOf(...items)));
    },
    async subscribe(id, position) {
      await log.subscriptions.commit([{ kind: "put", id, state: stateAt(position) }]);
    },
    damage(sql) {
      const database = new DatabaseSync(join(directory, "events.db"));
      database.exec("PRAGMA writable_schema = ON");
      database.exec(sql);
      database.close();
    },
    async [Symbol.asyncDispose]() {
      await close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** A report of the message with this number, delivered to a handset. */
export function report(n: number, changes: Record<string, unknown> = {}): Record<string, unknown> {
  return deliveryReport({ messageId: `message-${n}`, destination: `38591000${n}`, ...changes });
}

/** Status of a report that is not final. */
export const PENDING = { status: { groupId: 1, groupName: "PENDING", id: 26, name: "PENDING_ACCEPTED" } };

function stateAt(position: number): Uint8Array {
  return encodeState({
    settings: {
      filter: undefined,
      maxInFlight: 10,
      maxAttempts: 5,
      minBackoffMs: 1_000,
      maxBackoffMs: 60_000,
    },
    createTimeMs: FIRST_TIME_MS,
    updateTimeMs: FIRST_TIME_MS,
    filterFrom: 0,
    position,
    gap: undefined,
    unsettled: new UnsettledSet(false),
    redriven: new UnsettledSet(true),
  });
}
