import type { Logger } from "./log.ts";
import { RareLine } from "./rare-line.ts";
import type { WebhookOutcome } from "./server/webhook-listener.ts";

/**
 * Writes the answers to webhooks as log lines: what went well at debug level.
 * Refusals of one kind are told once a minute at most, with how many there
 * were: a store that is away, or a stranger who tries the address, would fill
 * the log otherwise.
 * @param now Milliseconds on any clock that only goes forward.
 */
export function logWebhooks(log: Logger, now: () => number): (outcome: WebhookOutcome) => void {
  // As many as there are routes, statuses and reasons at most.
  const refusals = new Map<string, RareLine>();
  const webhooks = log.child({ component: "webhook" });
  return (outcome) => {
    if (outcome.receipt !== undefined) return logReceipt(webhooks, outcome, outcome.receipt);
    const { method, status, reason } = fieldsOf(outcome);
    const kind = `${method} ${status} ${reason}`;
    const line = refusals.get(kind) ?? new RareLine(now);
    refusals.set(kind, line);
    line.write((count) => logRefusal(webhooks, outcome, count));
  };
}

function fieldsOf({ route, status, reason }: WebhookOutcome) {
  return { method: route === undefined ? "unknown" : `/v1/${route}`, status, reason };
}

function logReceipt(
  log: Logger,
  outcome: WebhookOutcome,
  { items, duplicates, unparsed }: NonNullable<WebhookOutcome["receipt"]>,
): void {
  const { method, status } = fieldsOf(outcome);
  const fields = { method, status, count: items, duplicates };
  if (unparsed > 0) log.warn("webhook stored, with items that could not be read", { ...fields, unparsed });
  else log.debug("webhook stored", fields);
}

function logRefusal(log: Logger, outcome: WebhookOutcome, count: number): void {
  const fields = { ...fieldsOf(outcome), count };
  const { status, cause } = outcome;
  if (status !== undefined && status >= 500) log.error("webhook refused", { ...fields, error: cause });
  else log.info(status === undefined ? "webhook sender went away" : "webhook refused", fields);
}
