import { dropsBefore, type FailureRange, failuresAfter } from "./attempt-range.ts";
import { type DeliveryRecord, deliveriesOf } from "./delivery-history.ts";
import type { SubscriptionHistory } from "./subscription-history.ts";
import { type Violation, Violations } from "./violation.ts";
import type { LoggedEvent } from "./watch-history.ts";

/**
 * Holds the history of a subscription against its guarantees. Rules:
 *
 * - Reliable: what lies before the subscription's position was acknowledged, is dead, or was told as a gap.
 * - Unique: nothing comes again after a confirmed acknowledgement, and no event has two holders.
 * - Ordered: of one message one event is out at a time, and none comes after a later one of it.
 * - Attempts: each delivery counts the failed ones before it, exactly where the consumers can know;
 *   nothing dies before its time or is delivered after.
 * - Bookmarkable: the position never goes back, and is never ahead of an event that is not settled.
 * - Filtered: only what matches comes, and it is what the log holds.
 */
export function checkSubscription(history: SubscriptionHistory): Violation[] {
  const violations = new Violations();
  const check = new SubscriptionCheck(history, violations);
  check.run();
  return violations.found;
}

class SubscriptionCheck {
  readonly #history: SubscriptionHistory;
  readonly #violations: Violations;
  readonly #deliveries: readonly DeliveryRecord[];
  readonly #byEvent: Map<number, DeliveryRecord[]>;
  readonly #bySequence: Map<number, LoggedEvent>;
  readonly #gaps: readonly { from: number; to: number }[];

  constructor(history: SubscriptionHistory, violations: Violations) {
    this.#history = history;
    this.#violations = violations;
    this.#deliveries = deliveriesOf(history);
    this.#byEvent = Map.groupBy(this.#deliveries, ({ sequence }) => sequence);
    this.#bySequence = new Map(history.log.map((event) => [event.sequence, event]));
    this.#gaps = history.sessions.flatMap(({ steps }) => steps.filter((step) => step.kind === "gap"));
  }

  run(): void {
    for (const delivery of this.#deliveries) this.#checkFiltered(delivery);
    for (const deliveries of this.#byEvent.values()) {
      this.#checkUnique(deliveries);
      this.#checkAttempts(deliveries);
    }
    for (const deliveries of Map.groupBy(this.#deliveries, ({ sequence }) => this.#keyOf(sequence)).values())
      this.#checkOrder(deliveries);
    for (const { sequence, attempts } of this.#history.end.dead) this.#checkDead(sequence, attempts);
    this.#checkProgress();
    this.#checkReliable();
  }

  #keyOf(sequence: number): string {
    const key = this.#bySequence.get(sequence)?.key ?? "";
    return key === "" ? `#${sequence}` : key;
  }

  #checkFiltered({ sequence, id }: DeliveryRecord): void {
    const event = this.#bySequence.get(sequence);
    if (event === undefined) return;
    if (event.id !== id) this.#add("Filtered", `event ${sequence} was another when it was delivered`);
    else if (sequence <= this.#history.from || !this.#history.matches(event))
      this.#add("Filtered", `event ${sequence} is none of the subscription's`);
  }

  #checkUnique(deliveries: readonly DeliveryRecord[]): void {
    for (const [index, delivery] of deliveries.entries()) {
      const next = deliveries[index + 1];
      if (next === undefined) return;
      const { sequence, outcome, confirmedAt } = delivery;
      if (outcome === "acked" && confirmedAt !== undefined && confirmedAt < next.at)
        this.#add("Unique", `event ${sequence} came again after its acknowledgement was confirmed`);
      if (next.at < delivery.releasedAt)
        this.#add(
          "Unique",
          `event ${sequence} was given to ${next.session.consumer} while ${delivery.session.consumer} held it`,
        );
    }
  }

  #checkOrder(deliveries: readonly DeliveryRecord[]): void {
    let latest: DeliveryRecord | undefined;
    for (const delivery of deliveries) {
      const other = deliveries.find(
        (earlier) =>
          earlier.sequence !== delivery.sequence &&
          earlier.at < delivery.at &&
          delivery.at < earlier.releasedAt,
      );
      if (other !== undefined)
        this.#add(
          "Ordered",
          `event ${delivery.sequence} came while ${other.sequence} of its message was held`,
        );
      if (latest !== undefined && delivery.sequence < latest.sequence) {
        if (!this.#isRedriven(delivery.sequence, 0, delivery.at))
          this.#add("Ordered", `event ${delivery.sequence} came after ${latest.sequence} of its message`);
      } else latest = delivery;
    }
  }

  #checkAttempts(deliveries: readonly DeliveryRecord[]): void {
    const { maxAttempts } = this.#history;
    for (const [index, delivery] of deliveries.entries()) {
      const { least, most } = this.#failuresBefore(delivery, deliveries[index - 1]);
      const { sequence, attempt } = delivery;
      if (attempt < least + 1 || attempt > most + 1)
        this.#add(
          "Attempts",
          `event ${sequence} came with attempt ${attempt}, not ${least + 1} to ${most + 1}`,
        );
      if (attempt > maxAttempts) this.#add("Attempts", `event ${sequence} came with attempt ${attempt}`);
    }
  }

  #failuresBefore({ at, sequence, session }: DeliveryRecord, last: DeliveryRecord | undefined): FailureRange {
    const { sessions } = this.#history;
    if (last === undefined || this.#isRedriven(sequence, last.at, at))
      return { least: 0, most: dropsBefore(at, sessions) };
    return failuresAfter(last, { at, incarnation: session.incarnation }, sessions);
  }

  #checkDead(sequence: number, attempts: number): void {
    const { sessions, maxAttempts } = this.#history;
    const last = this.#byEvent.get(sequence)?.at(-1);
    const { most } =
      last === undefined
        ? { most: sessions.length }
        : failuresAfter(last, { at: Number.POSITIVE_INFINITY, incarnation: -1 }, sessions);
    if (attempts < maxAttempts) this.#add("Attempts", `event ${sequence} is dead after ${attempts} failures`);
    if (most < attempts)
      this.#add("Attempts", `event ${sequence} is dead with ${attempts} failures, of ${most}`);
  }

  #checkProgress(): void {
    const steps = this.#history.sessions.flatMap(({ steps: all }) => all);
    const progress = steps.filter((step) => step.kind === "progress").sort((a, b) => a.at - b.at);
    this.#checkNeverBack();
    for (const event of this.#history.log) {
      if (event.sequence <= this.#history.from || !this.#history.matches(event)) continue;
      const ahead = progress.find(({ settledTo }) => settledTo >= event.sequence);
      if (ahead === undefined || this.#maySettleBefore(event.sequence, ahead.at)) continue;
      this.#add(
        "Bookmarkable",
        `progress ${ahead.settledTo} came before event ${event.sequence} was settled`,
      );
    }
    for (const { sequence, at, attempt } of this.#deliveries) {
      const ahead = progress.find((step) => step.settledTo >= sequence && step.at < at);
      if (ahead !== undefined && !this.#isRedriven(sequence, 0, at))
        this.#add(
          "Bookmarkable",
          `event ${sequence} came (attempt ${attempt}) after progress ${ahead.settledTo}`,
        );
    }
  }

  /** Frames of one session arrive in order; those of several may pass each other on their way. */
  #checkNeverBack(): void {
    let before = 0;
    for (const [, sessions] of Map.groupBy(this.#history.sessions, ({ incarnation }) => incarnation)) {
      const reached: number[] = [];
      for (const { steps } of sessions) {
        let last = before;
        for (const step of steps) {
          if (step.kind !== "progress") continue;
          if (step.settledTo < last)
            this.#add("Bookmarkable", `progress went back from ${last} to ${step.settledTo}`);
          last = Math.max(last, step.settledTo);
        }
        reached.push(last);
      }
      before = Math.max(before, ...reached);
    }
    if (this.#history.end.settledTo < before)
      this.#add("Bookmarkable", `progress went back from ${before} to ${this.#history.end.settledTo}`);
  }

  /** Whether an event may be settled: acknowledged, dead, or gone, as far as the consumers can know. */
  #maySettleBefore(sequence: number, at: number): boolean {
    const { sessions, maxAttempts } = this.#history;
    // Only what was dead is redriven, and a dead letter that is delivered again holds nothing up.
    if (this.#isRedriven(sequence, 0, at)) return true;
    const deliveries = (this.#byEvent.get(sequence) ?? []).filter((delivery) => delivery.at < at);
    if (deliveries.some(({ outcome, releasedAt }) => outcome === "acked" && releasedAt < at)) return true;
    if (this.#gaps.some(({ from, to }) => sequence > from && sequence <= to)) return true;
    const last = deliveries.at(-1);
    if (last === undefined) return dropsBefore(at, sessions) >= maxAttempts;
    if (last.releasedAt >= at) return false;
    return failuresAfter(last, { at, incarnation: last.session.incarnation }, sessions).most >= maxAttempts;
  }

  #checkReliable(): void {
    const { log, from, matches, end } = this.#history;
    const dead = new Set(end.dead.map(({ sequence }) => sequence));
    for (const event of log) {
      if (event.sequence <= from || event.sequence > end.settledTo || !matches(event)) continue;
      if (dead.has(event.sequence) || this.#isHandled(event.sequence)) continue;
      this.#add("Reliable", `event ${event.sequence} is settled, and nobody has acknowledged it`);
    }
  }

  #isHandled(sequence: number): boolean {
    const isAcked = this.#byEvent.get(sequence)?.some(({ outcome }) => outcome === "acked") ?? false;
    return isAcked || this.#gaps.some(({ from, to }) => sequence > from && sequence <= to);
  }

  /** Whether the event was a dead letter that somebody redrove between two times. */
  #isRedriven(sequence: number, after: number, before: number): boolean {
    return this.#history.redrives.some(
      ({ sentAt, sequences }) => sentAt > after && sentAt < before && sequences.includes(sequence),
    );
  }

  #add(rule: string, text: string): void {
    this.#violations.add(rule, text);
  }
}
