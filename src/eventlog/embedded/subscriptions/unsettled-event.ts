import type { DeadLetterRecord } from "../../subscription-engine.ts";
import type { Session } from "./session.ts";

/** How a delivery failed. */
export type DeliveryFailure = DeadLetterRecord["lastFailure"];

/** Where an event stands between its examination and its settlement. */
export const Phase = {
  /** Nobody has it: it is ready, delayed, or behind an earlier event of its message. */
  WAITING: 0,
  /** A take is reading it. */
  TAKEN: 1,
  /** A session holds it. */
  HELD: 2,
  /** A session holds it and its acknowledgement or refusal is being stored. */
  SETTLING: 3,
  /** Its session ended badly, or it must become a dead letter: that is being stored. */
  COUNTING: 4,
  /** Settled, dead, lost or forgotten. */
  GONE: 5,
} as const;

/** Value of {@link Phase}. */
export type Phase = (typeof Phase)[keyof typeof Phase];

/** In which heap of the delivery queue an event is. */
export type HeapMark = 0 | 1 | 2;

/** An event that was examined and is not settled. Its bytes stay in the log. */
export class UnsettledEvent {
  readonly sequence: number;
  /** Delivered from the dead letters, not from the log. */
  readonly redriven: boolean;
  /** What orders it: events of one key are held one at a time. Undefined until it was read after a restart. */
  key: string | undefined;
  phase: Phase = Phase.WAITING;
  /** Failed deliveries. */
  attempts = 0;
  /** How the last one failed. */
  failure: DeliveryFailure | undefined = undefined;
  /** It has failed for the last time, and only waits for room among the dead letters. */
  doomed = false;
  /** Not to be delivered before, Unix milliseconds; 0 without a delay. */
  notBeforeMs = 0;
  /** The same on the timer's clock. */
  due = 0;
  /** The session that holds it. */
  holder: Session | undefined = undefined;
  /** Public id, known while it is held. */
  id = "";
  /** Next event of the same key. */
  next: UnsettledEvent | undefined = undefined;
  /** Last event of the key; kept by the first one only. */
  last: UnsettledEvent | undefined = undefined;
  heap: HeapMark = 0;

  constructor(sequence: number, redriven: boolean, key: string | undefined) {
    this.sequence = sequence;
    this.redriven = redriven;
    this.key = key;
  }
}

/** Whether somebody has the event, so that no other event of its message may be delivered. */
export function isBusy(event: UnsettledEvent): boolean {
  return event.phase !== Phase.WAITING && event.phase !== Phase.GONE;
}
