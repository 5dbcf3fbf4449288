import { deliveryReport } from "../fixtures/webhook-target.ts";
import type { LoggedEvent } from "../history/watch-history.ts";

/** Where messages go: clients filter by it. */
export const DESTINATIONS = ["a", "b", "c"] as const;
const FIRST_TIME_MS = Date.UTC(2026, 0, 1);
/** Of so many items one is refused until it is a dead letter. */
const POISON = 7;

/** A report of a message: its name says all that is needed of it. */
export function itemName(message: number, step: number): string {
  return `${message}.${step}.${DESTINATIONS[message % DESTINATIONS.length]}`;
}

export function messageOf(item: string): string {
  return `message-${item.split(".")[0]}`;
}

export function destinationOf(item: string): string {
  return item.split(".")[2] ?? "";
}

/** Whether consumers refuse the item, until it is redriven. */
export function isPoison(item: string): boolean {
  const [message = "0", step = "0"] = item.split(".");
  return (Number(message) + Number(step)) % POISON === 0;
}

/** The item as Infobip reports it. Each has a time of its own, so no two are the same news. */
export function reportOf(item: string): Record<string, unknown> {
  const [message = "0", step = "0"] = item.split(".");
  const time = new Date(FIRST_TIME_MS + Number(message) * 1_000 + Number(step)).toISOString();
  return deliveryReport({
    messageId: messageOf(item),
    destination: destinationOf(item),
    callbackData: item,
    doneAt: time.replace("Z", "+0000"),
    status: { groupId: 1, id: 7, name: "PENDING_ENROUTE" },
  });
}

/** Whether an event goes to one of some destinations; with none of them, any event does. */
export function goesTo(destinations: readonly string[]): (event: LoggedEvent) => boolean {
  return ({ item }) => destinations.length === 0 || destinations.includes(destinationOf(item));
}
