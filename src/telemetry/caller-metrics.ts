import type { Meter } from "@opentelemetry/api";
import type { CallReport } from "../server/guards.ts";
import { LabelledCounter } from "./labelled-counter.ts";

/** Most callers that are told apart; those that come later count together. */
export const MAX_CALLERS = 100;

/** Stands for whoever was not known. */
const UNKNOWN = "_UNKNOWN";
/** Stands for all callers beyond {@link MAX_CALLERS}. No caller can be called so. */
const OTHERS = "_OTHER";

/** Reasons of errors that say that a caller may not do what it asked for, or not so often. */
const REFUSALS: ReadonlySet<string> = new Set([
  "CREDENTIALS_MISSING",
  "CREDENTIALS_UNKNOWN",
  "SCOPE_MISSING",
  "CHANNEL_FORBIDDEN",
  "SENDER_FORBIDDEN",
  "PLATFORM_FORBIDDEN",
  "CALLER_RATE_LIMITED",
]);

/** What became of messages of one caller. */
export interface CallerMessages {
  /** Undefined: everyone may call, and nobody is told apart. */
  readonly caller: string | undefined;
  readonly outcome: "SENT" | "NOT_SENT" | "UNKNOWN";
  /** Destinations. */
  readonly count: number;
}

/** Counts by caller. Says nothing where everyone may call. */
export class CallerMetrics {
  readonly #messages = new LabelledCounter<{ caller: string; outcome: string }>();
  readonly #refusals = new LabelledCounter<{ caller: string; reason: string }>();
  readonly #known = new Set<string>();

  /** Messages have their outcome. */
  readonly messagesEnded = ({ caller, outcome, count }: CallerMessages): void => {
    if (caller !== undefined) this.#messages.add({ caller: this.#labelOf(caller), outcome }, count);
  };

  /** A call has ended; counts it when access was what it failed for. */
  readonly callEnded = ({ caller, reason }: Pick<CallReport, "caller" | "reason">): void => {
    if (reason === undefined || !REFUSALS.has(reason)) return;
    this.#refusals.add({ caller: caller === undefined ? UNKNOWN : this.#labelOf(caller), reason }, 1);
  };

  /** Callers come from the configuration, which can be changed any number of times while the process runs. */
  #labelOf(caller: string): string {
    if (this.#known.has(caller)) return caller;
    if (this.#known.size >= MAX_CALLERS) return OTHERS;
    this.#known.add(caller);
    return caller;
  }

  /** Makes the instruments. */
  register(meter: Meter): void {
    const counter = (name: string, description: string) =>
      meter.createObservableCounter(`infobip_rpc_caller_${name}_total`, { description });
    counter(
      "messages",
      "Messages by caller and outcome, one for each destination; without SubmitMessages, whose outcome comes later.",
    ).addCallback((result) => {
      for (const { labels, count } of this.#messages.series()) result.observe(count, labels);
    });
    counter(
      "refusals",
      "Calls that were refused because of who made them, by caller and machine reason; caller _UNKNOWN where the credentials were not known.",
    ).addCallback((result) => {
      for (const { labels, count } of this.#refusals.series()) result.observe(count, labels);
    });
  }
}
