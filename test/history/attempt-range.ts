import type { DeliveryRecord } from "./delivery-history.ts";
import type { SubscribeSession } from "./subscription-history.ts";

/** Failed deliveries that a client can tell of: at least, and at most. */
export interface FailureRange {
  readonly least: number;
  readonly most: number;
}

/**
 * Failures after a delivery, as they may stand at a later time in an
 * incarnation. What a dropped connection held is counted before the event goes
 * to another consumer; a service that was killed meanwhile may not have come to it.
 */
export function failuresAfter(
  delivery: DeliveryRecord,
  until: { readonly at: number; readonly incarnation: number },
  sessions: readonly SubscribeSession[],
): FailureRange {
  const before = delivery.attempt - 1;
  const { session } = delivery;
  const unseen = unseenFailures(delivery, until.at, sessions);
  const isSame = until.incarnation === session.incarnation;
  switch (delivery.outcome) {
    case "acked":
      return { least: before, most: before + unseen + lostWith(session) };
    case "nacked":
      return delivery.confirmedAt !== undefined || isSame
        ? { least: before + 1, most: before + 1 + unseen }
        : { least: before, most: before + 1 + unseen };
    default: {
      const lost = lostWith(session);
      return { least: before + (isSame ? lost : 0), most: before + lost + unseen };
    }
  }
}

function lostWith({ how }: SubscribeSession): number {
  return how === "dropped" ? 1 : 0;
}

/** A connection that was dropped may have held the event without its consumer having read that. */
function unseenFailures(
  delivery: DeliveryRecord,
  until: number,
  sessions: readonly SubscribeSession[],
): number {
  let count = 0;
  for (const session of sessions) {
    if (session.how !== "dropped" || session.endedAt < delivery.releasedAt || session.endedAt > until)
      continue;
    // What it is known to have held to its end is counted already.
    if (session !== delivery.session || delivery.outcome === "nacked") count++;
  }
  return count;
}

/** Connections that were dropped before a time: each may have held any event unread. */
export function dropsBefore(at: number, sessions: readonly SubscribeSession[]): number {
  return sessions.filter(({ how, endedAt }) => how === "dropped" && endedAt <= at).length;
}
