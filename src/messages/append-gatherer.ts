import { Code } from "@connectrpc/connect";
import { ServiceError } from "../errors.ts";
import type { EventLog, NewEvent } from "../eventlog/event-log.ts";

/** Most events that one caller should append at a time. */
export const MAX_APPEND_EVENTS = 256;
/** Most events of one append; a larger group of events is appended alone. Each append costs a commit, so that few events an append would bound the throughput. */
const MAX_GATHERED_EVENTS = 4_096;
/** An append takes no more groups once it has this many bytes. */
export const MAX_APPEND_BYTES = 1024 * 1024;
/** Most bytes that wait for their append. */
export const MAX_WAITING_BYTES = 32 * 1024 * 1024;

/** Events that are stored together or not at all. */
interface Group {
  readonly events: readonly NewEvent[];
  readonly bytes: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Appends to a log with one append on its way at a time; what comes meanwhile
 * goes into the next one. An append costs many times what an event in it does.
 */
export class AppendGatherer {
  readonly #log: Pick<EventLog, "append">;
  readonly #waiting: Group[] = [];
  #waitingBytes = 0;
  #isAppending = false;

  constructor(log: Pick<EventLog, "append">) {
    this.#log = log;
  }

  /** Resolves once the events are durable. Rejects as the log does, and with OVERLOADED when too much waits. */
  append(events: readonly NewEvent[]): Promise<void> {
    let bytes = 0;
    for (const { encoded } of events) bytes += encoded.length;
    if (this.#waitingBytes + bytes > MAX_WAITING_BYTES) return Promise.reject(tooMuchWaiting());
    return new Promise((resolve, reject) => {
      this.#waiting.push({ events, bytes, resolve, reject });
      this.#waitingBytes += bytes;
      if (this.#isAppending) return;
      this.#isAppending = true;
      // What else comes in this turn of the event loop goes along.
      setImmediate(() => this.#appendNext());
    });
  }

  #appendNext(): void {
    const groups = this.#takeGroups();
    this.#isAppending = groups.length > 0;
    if (!this.#isAppending) return;
    const [first] = groups;
    const isAlone = groups.length === 1 && first !== undefined;
    const events = isAlone ? first.events : groups.flatMap((group) => group.events);
    this.#log.append(events).then(
      () => this.#settle(groups, (group) => group.resolve()),
      (error: unknown) => this.#settle(groups, (group) => group.reject(error)),
    );
  }

  #settle(groups: readonly Group[], how: (group: Group) => void): void {
    for (const group of groups) how(group);
    this.#appendNext();
  }

  /** Whole groups, in order, within the bounds of one append; the first one whatever its size. */
  #takeGroups(): Group[] {
    let count = 0;
    let events = 0;
    let bytes = 0;
    for (const group of this.#waiting) {
      if (count > 0 && (events + group.events.length > MAX_GATHERED_EVENTS || bytes > MAX_APPEND_BYTES))
        break;
      count++;
      events += group.events.length;
      bytes += group.bytes;
    }
    this.#waitingBytes -= bytes;
    return this.#waiting.splice(0, count);
  }
}

/** The error for send results that the log is too slow to take. */
export function tooMuchWaiting(): ServiceError {
  return new ServiceError(
    Code.ResourceExhausted,
    "OVERLOADED",
    "too many send results wait for the event log; see why it is slow",
  );
}
