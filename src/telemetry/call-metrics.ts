import type { Meter } from "@opentelemetry/api";
import type { RepeatKind } from "../messages/send-once.ts";
import { LabelledCounter } from "./labelled-counter.ts";

const REPEAT_KINDS: readonly RepeatKind[] = ["replayed", "joined", "conflicting"];

/** Counts what becomes of calls that send. */
export class CallMetrics {
  readonly #repeats = new LabelledCounter<{ result: string }>();
  readonly #streamSends = new LabelledCounter<{ reason: string }>();
  #notStored = 0;

  constructor() {
    for (const result of REPEAT_KINDS) this.#repeats.add({ result }, 0);
    this.#streamSends.add({ reason: "OK" }, 0);
  }

  /** A call repeats another one with its request id. */
  readonly repeated = (kind: RepeatKind): void => this.#repeats.add({ result: kind }, 1);

  /** An answer to a call with a request id went out without being stored. */
  readonly answerNotStored = (): void => {
    this.#notStored++;
  };

  /** A send of a StreamMessages stream has its result: OK, or the machine reason of the error. */
  readonly streamSendEnded = (reason: string): void => this.#streamSends.add({ reason }, 1);

  /** Makes the instruments. */
  register(meter: Meter): void {
    const counter = (name: string, description: string) =>
      meter.createObservableCounter(`infobip_rpc_${name}_total`, { description });
    counter(
      "request_id_repeats",
      "Calls whose request id was known: replayed (the stored answer), joined (waited for the same answer) or conflicting (other contents).",
    ).addCallback((result) => {
      for (const { labels, count } of this.#repeats.series()) result.observe(count, labels);
    });
    counter(
      "request_id_answers_not_stored",
      "Answers to calls with a request id that went out without being stored: a repeat sends again, with the same message ids.",
    ).addCallback((result) => result.observe(this.#notStored));
    counter(
      "stream_sends",
      "Sends of StreamMessages that have their result, by machine reason; OK for an answer.",
    ).addCallback((result) => {
      for (const { labels, count } of this.#streamSends.series()) result.observe(count, labels);
    });
  }
}
