import type { StreamLayout } from "../../nats/stream-layout.ts";

/** Time for which these streams remember message ids, in milliseconds; none of their messages has one. */
const DUPLICATE_WINDOW_MS = 1_000;

/** Most bytes of the stream of owners: a hundred thousand records. */
const OWNERS_BYTES = 32 * 1024 * 1024;

/** What a submission takes up beside what is to be sent, in bytes. */
const RECORD_BYTES = 2 * 1024;
/** Room in the stream of submissions that the outbox's own limits never fill, in bytes. */
const OUTBOX_ROOM_BYTES = 64 * 1024 * 1024;

/** What the streams of the stores are to be. */
export interface StoreLayoutOptions {
  /** Begins the names of all streams of a service, such as INFOBIP_RPC. */
  readonly prefix: string;
  /** Servers that keep a copy. */
  readonly replicas: number;
  readonly maxBytes: number;
}

/** Layout of the stream of answers; `windowMs`: time for which they are kept. */
export function answersLayout(options: StoreLayoutOptions & { readonly windowMs: number }): StreamLayout {
  const layout = storeLayout(options, "answers", "answers to calls with a request id");
  const { windowMs } = options;
  return { ...layout, maxAgeMs: windowMs, duplicateWindowMs: Math.min(DUPLICATE_WINDOW_MS, windowMs) };
}

/** Limits of the outbox itself. */
export interface OutboxLimits {
  /** Submissions that are not done. */
  readonly maxWaiting: number;
  /** Of what is to be sent and what became of it. */
  readonly maxBytes: number;
}

/**
 * Bytes of the stream of submissions, for the outbox's own limits: a record that changes is stored beside the one
 * before until that is gone, each has its event with it, and a stream that is full could not even remove anything.
 */
export function outboxStreamBytes({ maxWaiting, maxBytes }: OutboxLimits): number {
  return 2 * maxBytes + maxWaiting * RECORD_BYTES + OUTBOX_ROOM_BYTES;
}

/** Layout of the stream of submissions. */
export function outboxLayout(options: StoreLayoutOptions): StreamLayout {
  return storeLayout(options, "outbox", "submissions");
}

/** Layout of the stream of subscriptions. */
export function subscriptionsLayout(options: StoreLayoutOptions): StreamLayout {
  return storeLayout(options, "subscriptions", "subscriptions and dead letters");
}

/** Layout of the stream of owners, which is small: `maxBytes` is no setting. */
export function ownersLayout(options: Omit<StoreLayoutOptions, "maxBytes">): StreamLayout {
  return storeLayout({ ...options, maxBytes: OWNERS_BYTES }, "owners", "owners of units of work");
}

/** What is kept in a stream of its own beside the events. */
export type StoreName = "answers" | "outbox" | "owners" | "subscriptions";

/** What the subjects of a store begin with. */
export function storeSubject(prefix: string, store: StoreName): string {
  return `${prefix.toLowerCase()}.${store}`;
}

function storeLayout(
  { prefix, replicas, maxBytes }: StoreLayoutOptions,
  store: StoreName,
  holds: string,
): StreamLayout {
  return {
    name: `${prefix}_${store.toUpperCase()}`,
    subjects: [`${storeSubject(prefix, store)}.>`],
    description: `infobip-rpc ${holds}`,
    replicas,
    maxMessagesPerSubject: 1,
    maxAgeMs: 0,
    maxBytes,
    discard: "new",
    duplicateWindowMs: DUPLICATE_WINDOW_MS,
  };
}
