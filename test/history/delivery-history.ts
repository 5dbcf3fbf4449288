import type { SessionStep, SubscribeSession, SubscriptionHistory } from "./subscription-history.ts";

/** What the consumer did with a delivery. */
export type Outcome =
  | "acked"
  | "nacked"
  /** The frame said that the session did not hold it. */
  | "refused"
  /** Nothing before the session ended. */
  | "none";

/** One delivery of one event, and how it went on. */
export interface DeliveryRecord {
  readonly session: SubscribeSession;
  readonly sequence: number;
  readonly id: string;
  readonly attempt: number;
  readonly at: number;
  outcome: Outcome;
  /** When the consumer gave it up at the earliest: its ack or nack, or the end of its session. */
  releasedAt: number;
  /** When the result came; undefined when it did not. */
  confirmedAt: number | undefined;
}

/** All deliveries in the order of time. */
export function deliveriesOf(history: SubscriptionHistory): DeliveryRecord[] {
  return history.sessions.flatMap(deliveriesIn).sort((a, b) => a.at - b.at);
}

type Settlement = Extract<SessionStep, { kind: "ack" | "nack" }>;

function deliveriesIn(session: SubscribeSession): DeliveryRecord[] {
  const deliveries: DeliveryRecord[] = [];
  const held = new Map<string, DeliveryRecord>();
  const asked: { settlement: Settlement; deliveries: (DeliveryRecord | undefined)[] }[] = [];
  for (const step of session.steps) {
    if (step.kind === "delivered") {
      // On its way when the consumer left: the service has it back already, and others may have been quicker to read.
      if (step.at > session.endedAt) continue;
      const { at, sequence, id, attempt } = step;
      const releasedAt = certainEnd(session);
      const record: DeliveryRecord = {
        session,
        sequence,
        id,
        attempt,
        at,
        outcome: "none",
        releasedAt,
        confirmedAt: undefined,
      };
      deliveries.push(record);
      held.set(id, record);
    } else if (step.kind === "ack" || step.kind === "nack") {
      asked.push({ settlement: step, deliveries: step.ids.map((id) => settle(held, id, step)) });
    } else if (step.kind === "result") {
      for (const delivery of asked.shift()?.deliveries ?? []) confirm(delivery, step);
    }
  }
  return deliveries;
}

/** Until when a session that was not asked to end held its events for sure. */
function certainEnd({ how, endedAt, steps }: SubscribeSession): number {
  return how === "killed" ? Math.min(endedAt, steps.at(-1)?.at ?? endedAt) : endedAt;
}

function settle(
  held: Map<string, DeliveryRecord>,
  id: string,
  { kind, at }: Settlement,
): DeliveryRecord | undefined {
  const delivery = held.get(id);
  if (delivery === undefined) return undefined;
  held.delete(id);
  delivery.outcome = kind === "ack" ? "acked" : "nacked";
  delivery.releasedAt = at;
  return delivery;
}

function confirm(
  delivery: DeliveryRecord | undefined,
  result: { at: number; failures: readonly string[] },
): void {
  if (delivery === undefined) return;
  delivery.confirmedAt = result.at;
  if (result.failures.includes(delivery.id)) delivery.outcome = "refused";
}
