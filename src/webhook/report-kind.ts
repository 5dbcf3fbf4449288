/** What an item of a webhook tells. */
export type ReportKind = "DELIVERY" | "SEEN" | "MO" | "TYPING_STARTED" | "TYPING_STOPPED" | "CLICK";

/** Webhook that a body came to. */
export type WebhookRoute = "delivery" | "seen" | "inbound" | "click";

/** All routes, as they stand in the path. */
export const WEBHOOK_ROUTES: readonly WebhookRoute[] = ["delivery", "seen", "inbound", "click"];

/** Kinds that items name themselves; a click has no `event`. */
const KINDS: ReadonlySet<unknown> = new Set<ReportKind>([
  "DELIVERY",
  "SEEN",
  "MO",
  "TYPING_STARTED",
  "TYPING_STOPPED",
]);
const KIND_OF_ROUTE: Readonly<Record<WebhookRoute, ReportKind>> = {
  delivery: "DELIVERY",
  seen: "SEEN",
  inbound: "MO",
  click: "CLICK",
};

/**
 * Kind of an item: what its `event` says, whichever route it came to; else the
 * route's. Undefined for an inbound event of a name that is not known, which
 * must not pass for a message that someone wrote.
 */
export function reportKindOf(event: unknown, route: WebhookRoute): ReportKind | undefined {
  if (KINDS.has(event)) return event as ReportKind;
  const isNamed = typeof event === "string" && event !== "";
  return isNamed && route === "inbound" ? undefined : KIND_OF_ROUTE[route];
}
