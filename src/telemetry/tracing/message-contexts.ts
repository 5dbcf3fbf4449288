import { EventType } from "../../../gen/infobip/events/v1/event_pb.js";
import { MAX_COLUMN_CHARS } from "../../eventlog/event-envelope.ts";
import type { EventColumns, EventLog, NewEvent } from "../../eventlog/event-log.ts";
import { traceParentOf, withTraceParent } from "../../eventlog/event-trace.ts";
import type { ReportItem } from "../../infobip/reports/report-item.ts";
import type { TraceContext } from "../../rpc/trace-context.ts";
import type { SendContexts } from "../../webhook/intake-trace.ts";
import { RecentContexts } from "./recent-contexts.ts";

/** Most messages of one group of events that are looked up in the log; what is beyond gets no trace_parent. */
export const MAX_LOOKUPS = 256;
/** Events of one message that are examined: what its call led to comes first. */
const EXAMINED_EVENTS = 16;
const EXAMINED_BYTES = 256 * 1024;
/** The last events of the log, that are examined once for whether any is part of a trace. */
const PROBED_EVENTS = 2_000;
const PROBED_BYTES = 4 * 1024 * 1024;

/** Least time between two such looks at a shared log, in milliseconds. */
export const REPROBE_MS = 10_000;

const SENDS: ReadonlySet<EventType> = new Set([EventType.SEND_RESULT, EventType.SUBMISSION]);
const REPORTS: ReadonlySet<EventType> = new Set([
  EventType.DELIVERY_REPORT,
  EventType.SEEN_REPORT,
  EventType.CLICK,
]);

/** What {@link MessageContexts} work with. */
export interface MessageContextsOptions {
  /** Undefined where this process cannot read events: only its own sends are known then. */
  readonly log: Pick<EventLog, "bounds" | "read" | "readMessage"> | undefined;
  /** Whether other processes send too. What they send is looked for from time to time. */
  readonly isShared: boolean;
  /** Whether spans are made here, so that sends are part of traces whatever callers say. */
  readonly isRecording: boolean;
  /** Milliseconds on a clock that never goes back. */
  readonly now: () => number;
}

/**
 * Knows under which trace_parent messages were sent: of the recent ones from
 * memory, of older ones from the log's index of messages. As long as no send
 * was part of a trace, it keeps nothing and looks nothing up, but for one look
 * at the last events of the log: an earlier process may have sent them.
 */
export class MessageContexts implements SendContexts {
  readonly #log: MessageContextsOptions["log"];
  readonly #recent = new RecentContexts();
  #isInUse: boolean;
  readonly #reprobeMs: number;
  readonly #now: () => number;
  /** The log was examined up to here for sends that were part of a trace; undefined before. */
  #probedTo: number | undefined;
  #probedAt = Number.NEGATIVE_INFINITY;
  /** While one is under way. */
  #probe: Promise<void> | undefined;

  constructor({ log, isShared, isRecording, now }: MessageContextsOptions) {
    this.#log = log;
    this.#isInUse = isRecording;
    this.#now = now;
    this.#reprobeMs = isShared ? REPROBE_MS : Number.POSITIVE_INFINITY;
  }

  /** Whether any send was part of a trace, as far as is known. */
  get isInUse(): boolean {
    return this.#isInUse;
  }

  /** Messages are about to leave, under these ids. */
  readonly sent = (messageIds: readonly string[], trace: TraceContext | undefined): void => {
    if (trace === undefined && !this.#isInUse) return;
    this.#isInUse = true;
    for (const id of messageIds) if (id !== "") this.#recent.set(id, trace?.traceparent);
  };

  attach(
    events: readonly NewEvent[],
    items: readonly ReportItem[],
    onFound: ((traceParent: string) => void) | undefined,
  ): readonly NewEvent[] | Promise<readonly NewEvent[]> {
    if (this.#isInUse) return this.#attach(events, items, onFound);
    if (this.#log === undefined) return events;
    if (this.#probedTo !== undefined && this.#now() - this.#probedAt < this.#reprobeMs) return events;
    this.#probe ??= this.#probeLog(this.#log);
    return this.#probe.then(() => (this.#isInUse ? this.#attach(events, items, onFound) : events));
  }

  #attach(
    events: readonly NewEvent[],
    items: readonly ReportItem[],
    onFound: ((traceParent: string) => void) | undefined,
  ): readonly NewEvent[] | Promise<readonly NewEvent[]> {
    const ids = events.map(({ columns }, index) => sentMessageOf(columns, items[index]));
    const fill = (): readonly NewEvent[] => events.map((event, at) => this.#filled(event, ids[at], onFound));
    const unknown = this.#unknownOf(ids);
    return unknown.size === 0 ? fill() : this.#lookUp(unknown).then(fill);
  }

  #unknownOf(ids: readonly (string | undefined)[]): ReadonlySet<string> {
    const unknown = new Set<string>();
    if (this.#log === undefined) return unknown;
    for (const id of ids) {
      if (id !== undefined && unknown.size < MAX_LOOKUPS && !this.#recent.has(id)) unknown.add(id);
    }
    return unknown;
  }

  #filled(
    event: NewEvent,
    messageId: string | undefined,
    onFound: ((traceParent: string) => void) | undefined,
  ): NewEvent {
    const traceParent = messageId === undefined ? undefined : this.#recent.get(messageId);
    if (traceParent === undefined) return event;
    onFound?.(traceParent);
    return { ...event, encoded: withTraceParent(event.encoded, traceParent) };
  }

  /** Never rejects: an event without trace_parent is better than none. */
  async #lookUp(messageIds: ReadonlySet<string>): Promise<void> {
    await Promise.all([...messageIds].map((id) => this.#lookUpOne(id).catch(() => undefined)));
  }

  /** A message of which the log knows no send yet is asked for again with its next report. */
  async #lookUpOne(messageId: string): Promise<void> {
    const found = await this.#log?.readMessage(messageId, 0, {
      limit: EXAMINED_EVENTS,
      maxBytes: EXAMINED_BYTES,
      includeRaw: false,
      matches: isOfSend,
    });
    const first = found?.records[0];
    if (first !== undefined) this.#recent.set(messageId, traceParentOf(first.encoded));
  }

  /** An earlier process may have sent what is reported now. Never rejects. */
  async #probeLog(log: NonNullable<MessageContextsOptions["log"]>): Promise<void> {
    try {
      const { earliest, head } = log.bounds();
      const from = Math.max(earliest, head - PROBED_EVENTS, this.#probedTo ?? 0);
      const { records, examinedTo } = await log.read(from, {
        limit: PROBED_EVENTS,
        maxBytes: PROBED_BYTES,
        includeRaw: false,
        matches: isOfSend,
      });
      if (records.some(({ encoded }) => traceParentOf(encoded) !== undefined)) this.#isInUse = true;
      this.#probedTo = examinedTo;
      this.#probedAt = this.#now();
    } catch {
      // Such as events that were removed meanwhile: the next body asks again.
    }
    this.#probe = undefined;
  }
}

function isOfSend({ type }: EventColumns): boolean {
  return SENDS.has(type);
}

/** Id of the message that was sent and that an event is about; undefined for what is about no send. */
function sentMessageOf({ type, messageId }: EventColumns, item: ReportItem | undefined): string | undefined {
  if (REPORTS.has(type)) return messageId === "" ? undefined : messageId;
  const value: unknown = item?.isOpaque === true ? undefined : item?.value;
  if (typeof value !== "object" || value === null || !("pairedMessageId" in value)) return undefined;
  const { pairedMessageId } = value;
  const isId = typeof pairedMessageId === "string" && pairedMessageId !== "";
  return isId && pairedMessageId.length <= MAX_COLUMN_CHARS ? pairedMessageId : undefined;
}
