import { setImmediate as nextTurn } from "node:timers/promises";
import { EventType } from "../../gen/infobip/events/v1/event_pb.js";
import type { AppendResult, EventLog, NewEvent } from "../eventlog/event-log.ts";
import { decodeReportBody } from "../infobip/reports/report-body.ts";
import { ReportBodyError, type ReportBodyProblem, type ReportItem } from "../infobip/reports/report-item.ts";
import { buildEvents } from "./event-batch.ts";
import { type BodyEnd, type IntakeTracing, MAX_BODY_CONTEXTS } from "./intake-trace.ts";
import type { WebhookRoute } from "./report-kind.ts";
import { tryLater, WebhookRefusal } from "./webhook-answer.ts";

/** Items whose events are made before other work gets its turn. */
const ITEMS_PER_TURN = 200;
/** Bytes of items after which other work gets its turn, however few they are. */
const BYTES_PER_TURN = 256 * 1024;

/** What became of the items of one body. */
export interface Receipt extends AppendResult {
  /** Items in the body. */
  readonly items: number;
  /** Items of a shape that could not be read, kept raw. */
  readonly unparsed: number;
}

/** Settings of a {@link WebhookReceiver}. */
export interface WebhookReceiverOptions extends IntakeTracing {
  readonly log: Pick<EventLog, "append">;
  /** How long an append may take before the webhook is refused with 503. */
  readonly appendTimeoutMs: number;
}

/** Turns webhook bodies into events of the log. */
export class WebhookReceiver {
  readonly #log: Pick<EventLog, "append">;
  readonly #appendTimeoutMs: number;
  readonly #contexts: IntakeTracing["contexts"];
  readonly #onBody: IntakeTracing["onBody"];

  constructor(options: WebhookReceiverOptions) {
    this.#log = options.log;
    this.#appendTimeoutMs = options.appendTimeoutMs;
    this.#contexts = options.contexts;
    this.#onBody = options.onBody;
  }

  /**
   * Resolves once every item of the body is durable, as an event of its kind
   * or as UNPARSED. Throws a WebhookRefusal: 400 for a body that is neither JSON
   * nor XML, 413 for a list that is too long, 503 when the log cannot take it.
   */
  receive(route: WebhookRoute, body: Uint8Array): Promise<Receipt> {
    const ended = this.#onBody?.(route);
    return ended === undefined ? this.#store(route, body, undefined) : this.#observed(route, body, ended);
  }

  async #observed(route: WebhookRoute, body: Uint8Array, ended: (end: BodyEnd) => void): Promise<Receipt> {
    const found = new Set<string>();
    const note = (traceParent: string): void => {
      if (found.size < MAX_BODY_CONTEXTS) found.add(traceParent);
    };
    try {
      const receipt = await this.#store(route, body, note);
      ended({ items: receipt.items, traceParents: [...found], error: undefined });
      return receipt;
    } catch (error) {
      ended({ items: 0, traceParents: [...found], error });
      throw error;
    }
  }

  async #store(
    route: WebhookRoute,
    body: Uint8Array,
    onContext: ((traceParent: string) => void) | undefined,
  ): Promise<Receipt> {
    const items = readItems(route, body);
    const built = await buildInTurns(items, route);
    const attached = this.#contexts?.attach(built, items, onContext) ?? built;
    const events = attached instanceof Promise ? await attached : attached;
    const unparsed = events.filter((event) => event.columns.type === EventType.UNPARSED).length;
    const result = events.length === 0 ? { appended: 0, duplicates: 0 } : await this.#append(events);
    return { ...result, items: items.length, unparsed };
  }

  /** An append that comes too late may still succeed: the repeat is then recognised as one. */
  async #append(events: readonly NewEvent[]): Promise<AppendResult> {
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error("the log took too long")), this.#appendTimeoutMs);
    });
    try {
      return await Promise.race([this.#log.append(events), timeout]);
    } catch (cause) {
      throw tryLater("LOG_UNAVAILABLE", "the events could not be stored; send them again", cause);
    } finally {
      clearTimeout(timer);
    }
  }
}

const TOO_LARGE: ReadonlySet<ReportBodyProblem> = new Set(["TOO_MANY_RESULTS", "TOO_MANY_TAGS"]);

function readItems(route: WebhookRoute, body: Uint8Array): ReportItem[] {
  try {
    return decodeReportBody(body, { xml: route === "delivery", bare: route === "click" });
  } catch (error) {
    if (!(error instanceof ReportBodyError)) throw error;
    if (TOO_LARGE.has(error.problem)) throw new WebhookRefusal(413, "BODY_TOO_LARGE", error.message);
    throw new WebhookRefusal(400, "BODY_NOT_ACCEPTED", error.message);
  }
}

async function buildInTurns(items: readonly ReportItem[], route: WebhookRoute): Promise<NewEvent[]> {
  const events: NewEvent[] = [];
  for (let from = 0; from < items.length; ) {
    if (from > 0) await nextTurn();
    const until = endOfTurn(items, from);
    for (const event of buildEvents(items.slice(from, until), route)) events.push(event);
    from = until;
  }
  return events;
}

function endOfTurn(items: readonly ReportItem[], from: number): number {
  const last = Math.min(items.length, from + ITEMS_PER_TURN);
  let bytes = items[from]?.raw.length ?? 0;
  let until = from + 1;
  while (until < last && bytes < BYTES_PER_TURN) bytes += items[until++]?.raw.length ?? 0;
  return until;
}
