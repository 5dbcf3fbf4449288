import type { NewEvent } from "../eventlog/event-log.ts";
import type { ReportItem } from "../infobip/reports/report-item.ts";
import type { WebhookRoute } from "./report-kind.ts";

/** What became of a body. */
export interface BodyEnd {
  /** Items in it; 0 when it could not be read. */
  readonly items: number;
  /** trace_parent of the sends that it tells of, each once; at most {@link MAX_BODY_CONTEXTS}. */
  readonly traceParents: readonly string[];
  /** Why its events could not be stored; undefined when they were. */
  readonly error: unknown;
}

/** Most contexts of sends that are told of one body. */
export const MAX_BODY_CONTEXTS = 128;

/** Told of each body before it is read. The returned function is told of its end, once. Must not throw. */
export type IntakeObserver = (route: WebhookRoute) => (end: BodyEnd) => void;

/** What the intake of bodies has to do with traces. */
export interface IntakeTracing {
  /** Tells in which traces messages were sent. */
  readonly contexts?: SendContexts | undefined;
  /** Told of each body. */
  readonly onBody?: IntakeObserver | undefined;
}

/** Knows in which traces messages were sent. */
export interface SendContexts {
  /**
   * The events of items, in the same order, with trace_parent set where the
   * send of the message that they are about is known. The same events, at once, as long as no
   * send was part of a trace. `onFound` is told of each one that is set. Never rejects.
   */
  attach(
    events: readonly NewEvent[],
    items: readonly ReportItem[],
    onFound: ((traceParent: string) => void) | undefined,
  ): readonly NewEvent[] | Promise<readonly NewEvent[]>;
}
