import { randomUUID } from "node:crypto";
import { logUnavailable } from "../../../nats/nats-errors.ts";
import { PublishConflict } from "../../../nats/publisher.ts";
import type { StoredValue, Values } from "../../../nats/values.ts";
import type { SubscriptionStore } from "../../embedded/subscription-store.ts";
import type { EventLog } from "../../event-log.ts";
import type { Fenced } from "../../fenced.ts";
import { orUnavailable, UnreadableMessage } from "../store-errors.ts";
import { DeadLetterIndex, decodeChanges, decodeIndex } from "./dead-letter-index.ts";
import { FencedSubscription } from "./fenced-subscription.ts";
import { removeQuietly, removeRemains } from "./remains.ts";
import { NO_SUBSCRIPTION, type SubscriptionContent } from "./subscription-draft.ts";
import { indexKey, stateKey } from "./subscription-keys.ts";
import { decodeSubscription, encodeSubscription, type SubscriptionValue } from "./subscription-value.ts";

/** Tries to take a subscription over while its holder stores it. */
const MAX_ATTEMPTS = 10;

/** What {@link openFencedSubscription} works with. */
export interface FencedSubscriptionParts {
  /** Of the stream of subscriptions. */
  readonly values: Values;
  /** Dead letters are copied out of it. */
  readonly log: Pick<EventLog, "bounds" | "read">;
  readonly instanceId: string;
  /** Tells this opening of the subscription from all others. Default: a random UUID. */
  readonly newWriterId?: () => string;
}

/** The store of one subscription, held by this process until another one opens it. */
export type OpenSubscription = Fenced<SubscriptionStore> & AsyncDisposable;

/**
 * Takes the store of a subscription over, whether there is such a subscription
 * or not: whoever held it can store nothing from here on. Rejects with
 * ServiceError LOG_UNAVAILABLE.
 */
export async function openFencedSubscription(
  id: string,
  { values, log, instanceId, newWriterId = randomUUID }: FencedSubscriptionParts,
): Promise<OpenSubscription> {
  const writer = `${instanceId}.${newWriterId()}`;
  const { content, revision } = await orUnavailable(takeOver(values, id, writer));
  const isClean = await removeRemains(values, id, content);
  const isTombstone = content.state === undefined && revision > 0;
  if (isTombstone && isClean) await removeQuietly([stateKey(id)], (key) => values.delete(key, revision));
  const fence = new AbortController();
  const store = new FencedSubscription({ id, values, log, writer, content, revision, fence });
  return { store, fenced: fence.signal, [Symbol.asyncDispose]: () => store.settled() };
}

/** Puts the value again as it is: the next one of whoever held it is refused. */
async function takeOver(
  values: Values,
  id: string,
  writer: string,
): Promise<{ content: SubscriptionContent; revision: number }> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const stored = await values.get(stateKey(id));
    if (stored === undefined) return { content: NO_SUBSCRIPTION, revision: 0 };
    const value = decodeSubscription(stored.data);
    const revision = await putAgain(values, id, { ...value, writer, attempt: 0 }, stored);
    if (revision !== undefined) return { content: await contentOf(values, id, value), revision };
  }
  throw logUnavailable(new Error("a subscription changes while it is taken over"));
}

/** Undefined when it has changed meanwhile. */
async function putAgain(
  values: Values,
  id: string,
  value: SubscriptionValue,
  stored: StoredValue,
): Promise<number | undefined> {
  try {
    return await values.put(stateKey(id), encodeSubscription(value), { expectedRevision: stored.revision });
  } catch (error) {
    if (error instanceof PublishConflict) return undefined;
    throw error;
  }
}

async function contentOf(values: Values, id: string, value: SubscriptionValue): Promise<SubscriptionContent> {
  const { state, index, journal } = value;
  if (state === undefined) return NO_SUBSCRIPTION;
  const letters = index === "" ? new DeadLetterIndex() : await readIndex(values, id, index);
  for (const change of decodeChanges(journal)) letters.apply(change);
  return { state, letters, index, journal };
}

async function readIndex(values: Values, id: string, index: string): Promise<DeadLetterIndex> {
  const stored = await values.get(indexKey(id, index));
  if (stored === undefined) throw new UnreadableMessage("the dead letters of a subscription are missing");
  return decodeIndex(stored.data);
}
