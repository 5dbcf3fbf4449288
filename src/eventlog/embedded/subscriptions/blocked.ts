import type { Blocked } from "../../subscription-engine.ts";

/** What decides why nothing is delivered. */
export interface DeliveryObstacles {
  /** Events that wait and events of the log that were not examined. */
  readonly undelivered: number;
  readonly isLogTroubled: boolean;
  readonly consumers: number;
  /** Whether the session that asks, or else every session, holds all it may. */
  readonly isOutstandingFull: boolean;
  readonly isInFlightFull: boolean;
  /** Whether an event may be delivered, or more of the log examined. */
  readonly isWorkLeft: boolean;
  /** Whether an event finds no room among the dead letters. */
  readonly areDeadLettersFull: boolean;
  readonly isUnsettledFull: boolean;
  readonly isDelayed: boolean;
}

/** Why nothing is delivered; undefined when nothing is in the way. The first that applies, in the order of what has to be mended first. */
export function blockedBy(obstacles: DeliveryObstacles): Blocked | undefined {
  if (obstacles.isLogTroubled) return "LOG_UNAVAILABLE";
  if (obstacles.undelivered === 0) return undefined;
  if (obstacles.consumers === 0) return "NO_CONSUMER";
  if (obstacles.isOutstandingFull) return "MAX_OUTSTANDING";
  if (obstacles.isInFlightFull) return "MAX_IN_FLIGHT";
  if (obstacles.isWorkLeft) return undefined;
  if (obstacles.areDeadLettersFull) return "DEAD_LETTERS_FULL";
  if (obstacles.isUnsettledFull) return "TOO_MANY_WAITING";
  return obstacles.isDelayed ? "BACKOFF" : "ORDER";
}
