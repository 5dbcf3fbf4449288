import { itemName, reportOf } from "../crash/reported-item.ts";

/** Reports of each message, in their order. */
export const STEPS = 3;
/** Reports in one webhook. */
export const REPORTS_PER_POST = 100;
/** Messages whose reports come one step after the other, so that a webhook can hold two steps of one message. */
const GROUP = 50;

/** The reports of every `lanes`-th group of messages, each message's in order, cut into webhooks. */
export function* reportLane(messages: number, lane: number, lanes: number): Generator<string[]> {
  let body: string[] = [];
  for (let first = lane * GROUP; first < messages; first += lanes * GROUP) {
    const last = Math.min(messages, first + GROUP);
    for (let step = 0; step < STEPS; step++)
      for (let message = first; message < last; message++) {
        body.push(itemName(message, step));
        if (body.length === REPORTS_PER_POST) {
          yield body;
          body = [];
        }
      }
  }
  if (body.length > 0) yield body;
}

/** Step of an item of {@link reportLane}, from 0. */
export function stepOf(item: string): number {
  return Number(item.split(".")[1]);
}

/** The report of an item: its message is on its way, and delivered with the last step. */
export function laneReport(item: string): Record<string, unknown> {
  const status =
    stepOf(item) === STEPS - 1
      ? { groupId: 3, groupName: "DELIVERED", id: 5, name: "DELIVERED_TO_HANDSET" }
      : { groupId: 1, groupName: "PENDING", id: 7, name: "PENDING_ENROUTE" };
  return { ...reportOf(item), status };
}
